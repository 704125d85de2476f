"""From a batch to its people: for each of them one transaction with everything that follows."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from tessera import aws, clock, ids, queues
from tessera.live import user_topic
from tessera.problems import Busy
from tessera.transact import AlreadySeen, Step, seen, transact

from ..ports import Ports
from ..rules import decide
from ..rules.decide import Asked
from ..rules.kinds import Kind, Preferences, Priority
from ..rules.words import fill
from ..store.batches import OVERDUE, PAGE, Cancelled
from ..store.deliveries import BucketClosed
from ..store.feed import Collapsed, Unchanged, shape_read, shape_unread
from ..store.rows import HIDDEN, INBOX, BatchRow, FeedRow, PersonRow, bucket_pk, user_pk
from . import shown
from .send import announce_pages

TRIES = 25
SUBSCRIBERS_AT_ONCE = 1_000
KEPT_ACTORS = 3
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
    """Tell the people of one page. 8 requests, and 1 transaction a person. Going over it again tells nobody twice."""
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
        for user_id in users:
            if row.cancelled:
                raise Cancelled
            person, preferences = known[user_id]
            _tell(ports, row, kind, user_id, person, preferences=preferences, outgoing=outgoing)
            aws.fault_point("notify.told")
    except Cancelled:
        pass
    outgoing.send(ports)
    store.batches.done(batch_id, number)
    after = store.batches.get(batch_id)
    if after is not None and after.is_expanded:
        store.batches.rest(after)


def notification_id_of(row: BatchRow, user_id: str) -> str:
    """The same each time, so that a page that is gone through again meets what it has made."""
    millis = (clock.parse(row.send_at) - clock.EPOCH).total_seconds() * 1_000
    return ids.derived(int(millis), hashlib.sha256(f"{row.id}#{user_id}".encode()).digest())


def _tell(
    ports: Ports,
    batch: BatchRow,
    kind: Kind,
    user_id: str,
    person: PersonRow | None,
    *,
    preferences: Preferences,
    outgoing: Outgoing,
) -> None:
    asked = asked_of(batch, kind)
    if asked.expires_at is not None and asked.expires_at <= clock.now():
        ports.store.batches.skip(batch.id, user_id, "expired")
        return
    locale = preferences.locale or (person.locale if person is not None else "") or ""
    if person is None:
        found = ports.mail.find(user_id)
        if found is None:
            ports.store.batches.skip(batch.id, user_id, "unknown")
            return
        locale = preferences.locale or found.locale
        ports.store.people.greet(user_id, found.locale)
    reason = decide.is_for(asked, preferences, user_id)
    channels = decide.wanted(asked, preferences)
    if reason or not channels:
        ports.store.batches.skip(batch.id, user_id, reason or "off")
        return
    told = _Told(ports, batch, asked, user_id, preferences, channels, locale or "en")
    for channel in told.write():
        outgoing.add(told.id, channel)


@dataclass
class _Told:
    """One notification for one person, until it is written."""

    ports: Ports
    batch: BatchRow
    asked: Asked
    user_id: str
    preferences: Preferences
    channels: Sequence[str]
    locale: str
    instead_of: str = ""

    @property
    def id(self) -> str:
        return notification_id_of(self.batch, self.user_id)

    def write(self) -> list[str]:
        """Write it, or add to the one that is there; the channels that go out now come back.

        Raises `Cancelled`, and `Busy` when others are always first.
        """
        for _ in range(TRIES):
            try:
                return self._new()
            except AlreadySeen:
                return []
            except BucketClosed:
                continue
            except Collapsed as there:
                if self._joined(there.notification_id):
                    return []
        raise Busy()

    def _new(self) -> list[str]:
        now, store = clock.now(), self.ports.store
        row = self._row(now)
        # The delivery of each channel is one item, so that it is either part of a digest or comes at once.
        steps, counted, going = [store.feed.putting(row)], {"inapp_sent": int("inapp" in self.channels)}, []
        if row.dedupe_key:
            steps.append(store.feed.claiming_key(row, instead_of=self.instead_of))
        for channel in self.channels:
            if channel == "inapp":
                continue
            decision = decide.decide(self.asked, self.preferences, channel, now)
            made = store.deliveries.new(
                row.id, channel, decision, user_id=self.user_id, kind=self.asked.kind.name, now=now
            )
            made.batch_id, made.priority, made.expires_at = self.batch.id, self.asked.priority, row.expires_at
            if decision.state == "digest" and decision.at is not None:
                made.bucket = bucket_pk(self.user_id, row.type, channel, clock.rfc3339(decision.at))
                steps += store.deliveries.into_bucket(made, made.bucket, decision.at)
            steps.append(store.deliveries.putting(made))
            counted[f"{channel}_{decision.state}"] = 1
            if decision.state == "pending":
                going.append(channel)
        steps.append(store.batches.counting(self.batch.id, row.id, counted, leaving=True))
        if "inapp" not in self.channels:
            transact(*steps)
            return going
        steps.append(store.people.counting(self.user_id, 1))
        self._publish(row, steps)
        return going

    def _joined(self, notification_id: str) -> bool:
        """Add to the notification with the same key; False when it has to be tried anew. Raises `Cancelled`."""
        store, kind = self.ports.store, self.asked.kind
        there = store.feed.find(self.user_id, notification_id)
        if there is not None and (there.read or there.sk.startswith(HIDDEN)) and kind.collapse == "once":
            store.batches.skip(self.batch.id, self.user_id, "duplicate")
            return True
        if there is None or there.read or there.sk.startswith(HIDDEN):
            self.instead_of = notification_id
            return False
        fresh = self._row(clock.now(), count=int(there.count) + 1)
        actors = list(dict.fromkeys([*fresh.actors, *there.actors]))[:KEPT_ACTORS]
        grown = shown.copied(there, fresh, actors)
        steps = [
            seen(store.table, f"{self.batch.id}#{self.user_id}"),
            store.feed.grouping(there, shown.changes(grown)),
            store.batches.counting(self.batch.id, self.id, {"skip_grouped": 1}, leaving=True),
        ]
        try:
            self._publish(grown, steps)
        except AlreadySeen:
            return True
        except Unchanged:
            return False
        return True

    def _publish(self, row: FeedRow, steps: Sequence[Step]) -> None:
        said = {"kind": "notification.created", "notification": shown.shown(row)}
        self.ports.live.publish(user_topic(self.user_id), said, also=lambda made: steps)

    def _row(self, now: datetime, *, count: int = 1) -> FeedRow:
        store, kind = self.ports.store, self.asked.kind
        data: dict[str, Any] = json.loads(self.batch.values)
        templates = store.types.words(kind, "inapp", self.locale)
        words = fill("inapp", templates, {**data, "count": count, "others": count - 1})
        is_shown = "inapp" in self.channels
        row = FeedRow(
            pk=user_pk(self.user_id),
            sk=(INBOX if is_shown else HIDDEN) + self.id,
            type=kind.name,
            priority=self.asked.priority,
            values=self.batch.values,
            title=words.title,
            body=words.body or None,
            link=words.link or None,
            actors=[self.asked.actor_id] if self.asked.actor_id else [],
            count=count,
            created_at=clock.rfc3339(now),
            batch_id=self.batch.id,
            dedupe_key=self.batch.dedupe_key,
            expires_at=self.batch.expires_at,
        )
        shape_unread(row)
        if not is_shown:
            # Nobody sees it, so nobody reads it; it is there for what goes out.
            shape_read(row)
            row.read = 0
        return row


def asked_of(batch: BatchRow, kind: Kind) -> Asked:
    return Asked(
        kind=kind,
        priority=cast(Priority, batch.priority),
        channels=frozenset(batch.channels.split(",")) if batch.channels is not None else None,
        expires_at=clock.parse(batch.expires_at) if batch.expires_at else None,
        actor_id=batch.actor_id or "",
    )
