"""Deliveries: one of a notification on one channel. Each step has its state before it in its condition, and counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock, outbox
from tessera.due import due_keys
from tessera.expressions import is_new
from tessera.tables import ConditionFailed, Key, Page, Table
from tessera.transact import AlreadySeen, Step, putting, transact, updating

from .. import events
from ..rules import attempts
from ..rules.decide import Decision
from .batches import Batches
from .rows import (
    DELIVERY_KEPT,
    LISTED,
    SOLE,
    BucketItemRow,
    BucketRow,
    CapRow,
    DeliveryRow,
    delivery_pk,
    expiry,
)

SK = "A"


class NotNow(Exception):
    """It is not in the state it was read in: somebody else is at it, or was."""


class CapReached(Exception):
    """So much went out in this window that no more does."""


class BucketClosed(Exception):
    """The window of the digest closed at this moment."""


@dataclass(frozen=True)
class Move:
    """Where a delivery goes. `at` is when it is looked at again; without it nobody need."""

    state: str
    reason: str = ""
    at: datetime | None = None
    note: str = ""


class Deliveries:
    def __init__(self, table: Table, batches: Batches) -> None:
        self.table, self.batches = table, batches

    def get(self, notification_id: str, channel: str) -> DeliveryRow | None:
        return self.table.get(DeliveryRow, delivery_pk(notification_id, channel), SK)

    def new(
        self, notification_id: str, channel: str, decision: Decision, *, user_id: str, kind: str, now: datetime
    ) -> DeliveryRow:
        """A delivery as it is decided on, not kept yet."""
        row = DeliveryRow(
            pk=delivery_pk(notification_id, channel),
            sk=SK,
            user_id=user_id,
            type=kind,
            state=decision.state,
            reason=decision.reason or None,
            next_at=clock.rfc3339(decision.at or now),
            unless_read=int(decision.unless_read),
            created_at=clock.rfc3339(now),
            gs1_pk=f"DU#{user_id}",
            gs1_sk=f"{notification_id}#{channel}",
            ttl=expiry(max(now, decision.at or now), DELIVERY_KEPT),
        )
        row.wait_until(_looked_at(decision.state, decision.at, now), f"{notification_id}#{channel}")
        return row

    def putting(self, row: DeliveryRow) -> Step:
        return putting(self.table, row, only_if=is_new(), refused=AlreadySeen())

    def into_bucket(self, row: DeliveryRow, bucket: str, closes_at: datetime) -> list[Step]:
        """The steps that put a delivery into a window, opening it when it is the first one. Refused with
        `BucketClosed`."""
        due_pk, due_sk = due_keys(closes_at, bucket)
        open_ = Path("state") == "open"
        ends = expiry(closes_at, DELIVERY_KEPT)
        return [
            updating(
                self.table,
                BucketRow,
                bucket,
                "H",
                Path("state").set("open"),
                Path("closes_at").set(clock.rfc3339(closes_at)),
                Path("due_pk").set(due_pk),
                Path("due_sk").set(due_sk),
                Path("ttl").set(ends),
                only_if=is_new() | open_,
                upsert=True,
                bump=False,
                refused=lambda old: BucketClosed(),
            ),
            putting(self.table, BucketItemRow(pk=bucket, sk=f"I#{row.id}", ttl=ends)),
        ]

    def claim(self, row: DeliveryRow, now: datetime, *, more: Sequence[Step] = ()) -> DeliveryRow:
        """Make a delivery ours to send for a minute. 1 transaction.

        Raises `NotNow` when it is somebody else's, `Cancelled` when its batch is, and what `more` is refused with.
        """
        until = now + attempts.LEASE
        due = Path("next_at") <= clock.rfc3339(now)
        self._move(
            row,
            Move("sending", at=until),
            Path("lease_until").set(clock.rfc3339(until)),
            Path("attempts").add(1),
            only_if=due,
            leaving=True,
            more=more,
        )
        row.state, row.lease_until, row.attempts = "sending", clock.rfc3339(until), int(row.attempts) + 1
        return row

    def reached(self, row: DeliveryRow, target: str) -> None:
        """Note that one of several has got it. 1 write."""
        changes = [Path("reached").set(Path("reached").append([target]))]
        self.table.update(DeliveryRow, row.pk, row.sk, *changes, only_if=_ours(row), bump=False)
        row.reached = [*row.reached, target]

    def settle(self, row: DeliveryRow, move: Move, *, provider_id: str = "") -> bool:
        """What became of the attempt that is ours. 1 transaction. False when it is no longer ours."""
        changes: list[Change] = [Path("lease_until").remove()]
        if provider_id:
            changes.append(Path("provider_id").set(provider_id))
        try:
            self._move(row, move, *changes, only_if=_ours(row), event=_event(row, move))
        except NotNow:
            return False
        return True

    def turn(self, row: DeliveryRow, move: Move, *, more: Sequence[Step] = (), bucket: str = "") -> bool:
        """Another state without an attempt. 1 transaction. False when it is not as it was read."""
        only_if = _ours(row) if row.state == "sending" else Path("next_at") == row.next_at
        changes: list[Change] = [Path("lease_until").remove()] if row.state == "sending" else []
        if bucket:
            changes.append(Path("bucket").set(bucket))
        try:
            self._move(row, move, *changes, only_if=only_if, more=more, event=_event(row, move))
        except NotNow:
            return False
        return True

    def include(self, row: DeliveryRow, message_id: str) -> bool:
        """It goes out as part of this message. 1 transaction. False when it is not waiting any more.

        Raises `Cancelled`.
        """
        same = Path("bucket") == row.bucket
        try:
            self._move(row, Move("sent", "digest"), Path("provider_id").set(message_id), only_if=same, leaving=True)
        except NotNow:
            return False
        return True

    def revive(self, row: DeliveryRow, now: datetime) -> bool:
        """A dead letter gets all its attempts again. 1 transaction."""
        fresh = [Path("attempts").set(0)]
        try:
            self._move(row, Move("pending", "", now, "redriven"), *fresh)
        except NotNow:
            return False
        return True

    def of_user(self, user_id: str, limit: int, after: Key | None, **only: str | None) -> Page[DeliveryRow]:
        return self.table.query(
            DeliveryRow,
            f"DU#{user_id}",
            index="gs1",
            limit=limit,
            after=after,
            newest_first=True,
            only=_narrowed(only),
        )

    def in_state(self, state: str, limit: int, after: Key | None, **only: str | None) -> Page[DeliveryRow]:
        """Those that failed or are dead, newest first. 1 request."""
        return self.table.query(
            DeliveryRow,
            f"ST#{state}",
            index="gs2",
            limit=limit,
            after=after,
            newest_first=True,
            only=_narrowed(only),
        )

    def capping(
        self, who: str, channel: str, window: int, cost: int, most: int, *, refused: Exception | None = None
    ) -> Step:
        """The step that takes from what may go out in this window. Refused with `CapReached`, unless told otherwise."""
        pk = f"CAP#{who}#{channel}#{window}"
        used = Path("used")
        room = used.does_not_exist() | (used <= most - cost)
        ends = expiry(clock.now(), DELIVERY_KEPT)
        return updating(
            self.table,
            CapRow,
            pk,
            SOLE,
            used.add(cost),
            Path("ttl").set(ends),
            only_if=room,
            upsert=True,
            bump=False,
            refused=refused or CapReached(),
        )

    def bucket(self, pk: str) -> BucketRow | None:
        return self.table.get(BucketRow, pk, "H")

    def close_bucket(self, pk: str, now: datetime) -> bool:
        """From now on nothing comes in. 1 write. True when it is closing, by us or by somebody before us."""
        due_pk, due_sk = due_keys(now + attempts.OVERDUE, pk)
        changes = [Path("state").set("closing"), Path("due_pk").set(due_pk), Path("due_sk").set(due_sk)]
        open_ = Path("state").is_in("open", "closing") & (Path("closes_at") <= clock.rfc3339(now))
        try:
            self.table.update(BucketRow, pk, "H", *changes, only_if=open_, bump=False)
        except ConditionFailed:
            return False
        return True

    def bucket_items(self, pk: str) -> list[str]:
        """What is in the window, the oldest first."""
        rows = self.table.query_all(BucketItemRow, pk, sort=Path("sk").startswith("I#"), consistent=True)
        return [row.sk[2:] for row in rows]

    def finish_bucket(self, pk: str, message: DeliveryRow | None) -> bool:
        """The window is closed, and its one message is there, when it has one. 1 transaction. False for the second."""
        step = updating(
            self.table,
            BucketRow,
            pk,
            "H",
            Path("state").set("closed"),
            Path("due_pk").remove(),
            Path("due_sk").remove(),
            only_if=Path("state") == "closing",
            bump=False,
            refused=lambda old: NotNow(),
        )
        try:
            transact(step, *([self.putting(message)] if message is not None else ()))
        except (NotNow, AlreadySeen):
            return False
        return True

    def _move(
        self,
        row: DeliveryRow,
        move: Move,
        *changes: Change,
        only_if: Condition | None = None,
        leaving: bool = False,
        more: Sequence[Step] = (),
        event: outbox.Event | None = None,
    ) -> None:
        now = clock.now()
        moved: list[Change] = [Path("state").set(move.state), *changes]
        moved.append(Path("reason").set(move.reason) if move.reason else Path("reason").remove())
        if move.at is not None:
            moved.append(Path("next_at").set(clock.rfc3339(move.at)))
        when = _looked_at(move.state, move.at, now)
        if when is None:
            moved += [Path("due_pk").remove(), Path("due_sk").remove()]
        else:
            due_pk, due_sk = due_keys(when, f"{row.id}#{row.channel}")
            moved += [Path("due_pk").set(due_pk), Path("due_sk").set(due_sk)]
        if move.state in LISTED:
            moved += [Path("gs2_pk").set(f"ST#{move.state}"), Path("gs2_sk").set(f"{row.id}#{row.channel}")]
        else:
            moved += [Path("gs2_pk").remove(), Path("gs2_sk").remove()]
        if move.note:
            line = f"{clock.rfc3339(now)} {int(row.attempts)} {move.note}"[:300]
            moved.append(Path("history").set(Path("history").append([line])))
        same = Path("state") == row.state
        step = updating(
            self.table,
            DeliveryRow,
            row.pk,
            row.sk,
            *moved,
            only_if=same & only_if if only_if is not None else same,
            event=event,
            refused=lambda old: NotNow(),
        )
        counted: list[Step] = []
        if row.batch_id and (move.state != row.state or leaving):
            changed = {f"{row.channel}_{row.state}": -1, f"{row.channel}_{move.state}": 1}
            counted.append(self.batches.counting(row.batch_id, row.id, changed, leaving=leaving))
        transact(step, *counted, *more)


def _ours(row: DeliveryRow) -> Condition:
    return cast(Condition, (Path("state") == "sending") & (Path("lease_until") == row.lease_until))


def _looked_at(state: str, at: datetime | None, now: datetime) -> datetime | None:
    """When the sweeper brings it. What waits in a bucket is brought by the bucket."""
    if state == "pending":
        when = max(at or now, now)
        return when + attempts.OVERDUE if when - now <= attempts.LONGEST_DELAY else when
    return at if state in ("deferred", "sending") else None


def _event(row: DeliveryRow, move: Move) -> outbox.Event | None:
    told = {
        "notification_id": row.id,
        "channel": row.channel,
        "user_id": row.user_id,
        "notification_type": row.type,
    }
    if move.state == "sent":
        return events.DeliverySent(**told)
    if move.state in ("failed", "dead"):
        return events.DeliveryFailed(**told, reason=move.reason)
    return None


def _narrowed(only: dict[str, str | None]) -> Condition | None:
    wanted = None
    for name, value in only.items():
        if value is not None:
            same = Path(name) == value
            wanted = same if wanted is None else wanted & same
    return wanted
