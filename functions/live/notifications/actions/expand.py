"""From a batch to its people, a page of them at a time."""

from dataclasses import dataclass, field
from typing import cast

from tessera import aws, clock, queues
from tessera.live import user_topic

from ..ports import Ports
from ..rules import decide
from ..rules.decide import Asked
from ..rules.kinds import Kind, Preferences, Priority
from ..store.batches import OVERDUE, PAGE, Cancelled
from ..store.rows import BatchRow, PersonRow
from .send import announce_pages
from .telling import Telling, write_all

SUBSCRIBERS_AT_ONCE = 1_000
# The topic of a batch has been cut into pages to its end.
PLANNED = "."


@dataclass
class Outgoing:
    """Messages for the workers of each channel, sent when a page is through."""

    bodies: dict[str, list[str]] = field(default_factory=dict)

    def add(self, notification_id: str, channel: str) -> None:
        body = queues.message("deliver", {"id": notification_id, "channel": channel})
        self.bodies.setdefault(channel, []).append(body)

    def send(self, ports: Ports) -> None:
        """What is lost here the sweeper brings."""
        for channel, bodies in self.bodies.items():
            queues.send_bodies(ports.settings.queue_of(channel), bodies)


def start(ports: Ports, batch_id: str) -> None:
    """What the sweeper brings: a batch whose time has come, or one whose messages were lost."""
    row = ports.store.batches.get(batch_id)
    if row is None or row.send_at > clock.rfc3339(clock.now()):
        return
    if row.cancelled or row.is_expanded:
        ports.store.batches.rest(row)
        return
    ports.store.batches.wait(row, clock.now() + 5 * OVERDUE)
    if not row.is_planned:
        plan(ports, batch_id)
    else:
        announce_pages(ports, batch_id, ports.store.batches.open_pages(batch_id))


def plan(ports: Ports, batch_id: str) -> None:
    """Cut the subscribers of a topic into pages, a thousand at a time. 1 request and 1 transaction each."""
    batches = ports.store.batches
    row = batches.get(batch_id)
    while row is not None and not row.is_planned and not row.cancelled:
        users = ports.store.topics.subscribers(str(row.topic), row.cursor or "", SUBSCRIBERS_AT_ONCE)
        cursor = users[-1] if len(users) == SUBSCRIBERS_AT_ONCE else PLANNED
        first = int(row.pages)
        row = batches.add_pages(row, users, cursor)
        if row is None:
            return
        aws.fault_point("notify.planned")
        announce_pages(ports, batch_id, range(first, int(row.pages)))
    if row is not None:
        batches.rest(row)


def expand(ports: Ports, batch_id: str, number: int) -> None:
    """Tell the people of one page. 7 requests, and a transaction for several of them. Again, it tells nobody twice."""
    store = ports.store
    row, page = store.batches.get(batch_id), store.batches.page(batch_id, number)
    if row is None or page is None or page.done:
        return
    kind = store.types.get(row.type)
    if kind is None:
        return
    users: list[str] = list(page.users)
    known, outgoing = store.people.many(users[:PAGE]), Outgoing()
    # Where each log stands would else be a request of its own for each of them.
    ports.live.log.look_at([user_topic(user_id) for user_id in users])
    try:
        if row.cancelled:
            raise Cancelled
        tellings = [
            one
            for user_id in users
            if (one := _telling(ports, row, kind, user_id, known[user_id][0], preferences=known[user_id][1]))
        ]
        for told, channels in write_all(ports, tellings):
            for channel in channels:
                outgoing.add(told.id, channel)
            aws.fault_point("notify.told")
    except Cancelled:
        pass
    outgoing.send(ports)
    store.batches.done(batch_id, number)
    after = store.batches.get(batch_id)
    if after is not None and after.is_expanded:
        store.batches.rest(after)


def _telling(
    ports: Ports, batch: BatchRow, kind: Kind, user_id: str, person: PersonRow | None, *, preferences: Preferences
) -> Telling | None:
    """What this person is to be told; who is told nothing is counted. 2 requests for who was never told anything."""
    asked = asked_of(batch, kind)
    if asked.expires_at is not None and asked.expires_at <= clock.now():
        ports.store.batches.skip(batch.id, user_id, "expired")
        return None
    locale = preferences.locale or (person.locale if person is not None else "") or ""
    if person is None:
        found = ports.mail.find(user_id)
        if found is None:
            ports.store.batches.skip(batch.id, user_id, "unknown")
            return None
        locale = preferences.locale or found.locale
        ports.store.people.greet(user_id, found.locale)
    reason = decide.is_for(asked, preferences, user_id)
    channels = decide.wanted(asked, preferences)
    if reason or not channels:
        ports.store.batches.skip(batch.id, user_id, reason or "off")
        return None
    return Telling(ports, batch, asked, user_id, preferences, channels, locale or "en")


def asked_of(batch: BatchRow, kind: Kind) -> Asked:
    return Asked(
        kind=kind,
        priority=cast(Priority, batch.priority),
        channels=frozenset(batch.channels.split(",")) if batch.channels is not None else None,
        expires_at=clock.parse(batch.expires_at) if batch.expires_at else None,
        actor_id=batch.actor_id or "",
    )
