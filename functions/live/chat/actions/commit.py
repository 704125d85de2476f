"""One change in a room: decided on the room as it is, and written with its place in the room's log.

The change, what is published of it, and its place in the order are one transaction. Where somebody else came first,
the room is read again and it is decided anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from tessera import clock, queues
from tessera.backoff import Backoff
from tessera.problems import Busy, Problem
from tessera.seqlog import Appended, Entry, LogContended
from tessera.transact import Step

from ..ports import Ports
from ..rules.rooms import Room
from ..store.rows import is_small, minute_of
from ..store.writing import Changed

# Fifty people may write at the same moment: each of them has time for many tries.
BUDGET_SECONDS = 15.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.020, 1.0
ACTIVE = "room.active"
R = TypeVar("R")


@dataclass(frozen=True)
class Told:
    """One entry of the log: what everybody in the room is told."""

    type: str
    data: dict[str, Any]

    def entry(self) -> Entry:
        return Entry({"type": self.type, **self.data}, {"type": self.type})


@dataclass(frozen=True)
class Plan:
    """What is told, the steps it happens with once its place is known, and the room as it is then."""

    told: Sequence[Told]
    steps: Callable[[Appended], Sequence[Step]]
    after: Room | None = None


def commit(ports: Ports, room_id: str, decide: Callable[[Room], tuple[Plan, R]], *, fresh: bool = False) -> R:
    """Decide and write until nobody comes in between. 1 request when the room is remembered as it is.

    `decide` may be asked several times; what it raises is raised, and so is what its steps are refused with, unless
    that is `Changed`. Raises `LogContended` when time runs out.
    """
    backoff = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, budget_seconds=BUDGET_SECONDS)
    while True:
        room = ports.rooms.room(room_id, fresh=fresh)
        try:
            plan, result = decide(room)
        except Problem:
            if fresh:
                raise
            # It was refused on what is remembered of the room, which may be over.
            fresh = True
            continue
        try:
            ports.live.publish_all(room.topic_name, [told.entry() for told in plan.told], also=plan.steps)
        except (Changed, LogContended, Busy):
            ports.rooms.forget(room_id)
            if not backoff.wait():
                raise LogContended() from None
            fresh = True
            continue
        except BaseException:
            # Whether it happened is not known here: the next change looks first.
            ports.rooms.forget(room_id)
            raise
        if plan.after is not None:
            _settle(ports, room, plan.after)
        return result


def _settle(ports: Ports, before: Room, after: Room) -> None:
    ports.rooms.remember(replace(after, rev=before.rev + 1))
    if after.active_minute > before.active_minute and is_small(after) and ports.queue:
        queues.send(ports.queue, ACTIVE, {"room_id": after.id, "minute": after.active_minute})


def this_minute() -> int:
    return minute_of(clock.millis())
