"""Ten thousand people told of one thing: from the request until each has it in their feed, on a stack.

They are known to `notifications` already, as whoever was ever told something is. What a page of them costs in requests
and units is asserted by the unit tests, and is the same here.
"""

import os
import time
from dataclasses import dataclass
from unittest.mock import patch

from functions.live.notifications.store.rows import COUNTS, PersonRow, SubscriberRow, user_pk
from tessera import aws, ids
from tessera.tables import Table
from tests.kit.people import People, Person, until
from tests.performance.filling import put_all
from tools import cloud
from tools.stack import LocalStack

PEOPLE, FIRST = 10_000, 200
WITHIN_SECONDS, LONGEST_SECONDS = 60.0, 600.0


@dataclass(frozen=True)
class Told:
    people: int
    seconds: float

    def __str__(self) -> str:
        over = f"  over {WITHIN_SECONDS:g}" if self.seconds > WITHIN_SECONDS else ""
        return f"{self.seconds:.1f} s, {self.people / self.seconds:,.0f} a second{over}"


def told(stack: LocalStack) -> Told:
    """The first few start the workers, and are not counted."""
    admin = People(stack.facts.base_url, stack.facts.endpoint).admin()
    _tell(admin, _subscribed(stack, FIRST), FIRST)
    topic = _subscribed(stack, PEOPLE)
    began = time.perf_counter()
    _tell(admin, topic, PEOPLE)
    return Told(PEOPLE, time.perf_counter() - began)


def _tell(admin: Person, topic: str, people: int) -> None:
    body = {"type": "announcement", "topic": topic, "data": {"title": "News"}, "channels": ["inapp"]}
    asked = admin.post("/notifications/send", json=body).raise_for_status()
    until(
        lambda: admin.get(asked.headers["location"]).json()["channels"].get("inapp", {}).get("sent", 0),
        lambda count: count == people,
        within=LONGEST_SECONDS,
        # Looking costs what is measured too.
        every=1,
    )


def _subscribed(stack: LocalStack, people: int) -> str:
    """A topic with so many subscribers, as the routes would have made them one page after the other."""
    topic, users = f"bench-{ids.new().lower()}", [ids.new() for _ in range(people)]
    with patch.dict(os.environ, cloud.environment(stack.facts.endpoint)):
        aws.forget_clients()
        table = Table(f"{stack.facts.stack}-notifications")
        put_all(table, [PersonRow(pk=user_pk(user), sk=COUNTS, locale="en") for user in users])
        put_all(table, [_subscriber(topic, user) for user in users])
    aws.forget_clients()
    return topic


def _subscriber(topic: str, user: str) -> SubscriberRow:
    return SubscriberRow(pk=f"TOPIC#{topic}", sk=user, gs1_pk=f"TOPICS#{user}", gs1_sk=topic)
