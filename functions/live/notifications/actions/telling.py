"""One notification for one person, and those of several people in one transaction."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tessera import clock, ids
from tessera.live import user_topic
from tessera.problems import Busy
from tessera.seqlog import LogContended
from tessera.transact import AlreadySeen, Step, seen, transact

from ..ports import Ports
from ..rules import decide
from ..rules.decide import Asked
from ..rules.kinds import Preferences
from ..rules.words import fill
from ..store.deliveries import BucketClosed
from ..store.feed import Collapsed, Unchanged, shape_read, shape_unread
from ..store.rows import HIDDEN, INBOX, BatchRow, FeedRow, bucket_pk, user_pk
from . import shown

TRIES = 25
KEPT_ACTORS = 3
# Actions of a transaction that tells several people, besides the one that counts them: a page of fifty in three. It may
# have a hundred, but what is in the way of one person is in the way of all.
ACTIONS_AT_ONCE = 70


@dataclass(frozen=True)
class Written:
    """What a notification is written with: its steps, what they count in the batch, what the person is told live."""

    steps: Sequence[Step]
    counted: dict[str, int]
    going: Sequence[str]
    said: dict[str, Any] | None

    @property
    def actions(self) -> int:
        # A log's head and its entry.
        return len(self.steps) + (2 if self.said is not None else 0)


@dataclass
class Telling:
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

    @property
    def topic(self) -> str:
        return user_topic(self.user_id)

    def write(self) -> Sequence[str]:
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

    def written(self) -> Written:
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
        if "inapp" not in self.channels:
            return Written(steps, counted, going, None)
        steps.append(store.people.counting(self.user_id, 1))
        return Written(steps, counted, going, _said(row))

    def _new(self) -> Sequence[str]:
        made = self.written()
        counting = self.ports.store.batches.counting(self.batch.id, self.id, made.counted, leaving=True)
        if made.said is None:
            transact(*made.steps, counting)
        else:
            self._publish(made.said, [*made.steps, counting])
        return made.going

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
            self._publish(_said(grown), steps)
        except AlreadySeen:
            return True
        except Unchanged:
            return False
        return True

    def _publish(self, said: dict[str, Any], steps: Sequence[Step]) -> None:
        self.ports.live.publish(self.topic, said, also=lambda made: steps)

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


def write_all(ports: Ports, tellings: Sequence[Telling]) -> Iterator[tuple[Telling, Sequence[str]]]:
    """Write all of a page, several in a transaction; each with the channels that go out now. Raises what `write` does.

    Where one of them is in the way, those of its transaction are written one by one.
    """
    for some in _together([(one, one.written()) for one in tellings]):
        try:
            _write_together(ports, some)
        except (AlreadySeen, BucketClosed, Collapsed, LogContended, Busy):
            ports.live.log.look_at([one.topic for one, _ in some])
            yield from ((one, one.write()) for one, _ in some)
        else:
            yield from ((one, made.going) for one, made in some)


def _together(all_of_them: Sequence[tuple[Telling, Written]]) -> Iterator[list[tuple[Telling, Written]]]:
    some: list[tuple[Telling, Written]] = []
    actions = 0
    for one in all_of_them:
        if some and actions + one[1].actions > ACTIONS_AT_ONCE:
            yield some
            some, actions = [], 0
        some.append(one)
        actions += one[1].actions
    if some:
        yield some


def _write_together(ports: Ports, some: Sequence[tuple[Telling, Written]]) -> None:
    counted: Counter[str] = Counter()
    for _, made in some:
        counted.update(made.counted)
    first = some[0][0]
    steps = [step for _, made in some for step in made.steps]
    steps.append(ports.store.batches.counting(first.batch.id, first.id, counted, leaving=True))
    said = {one.topic: made.said for one, made in some if made.said is not None}
    ports.live.publish_each(said, steps)


def notification_id_of(row: BatchRow, user_id: str) -> str:
    """The same each time, so that a page that is gone through again meets what it has made."""
    millis = (clock.parse(row.send_at) - clock.EPOCH).total_seconds() * 1_000
    return ids.derived(int(millis), hashlib.sha256(f"{row.id}#{user_id}".encode()).digest())


def _said(row: FeedRow) -> dict[str, Any]:
    return {"kind": "notification.created", "notification": shown.shown(row)}
