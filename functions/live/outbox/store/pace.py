"""How fast all workers together may send: one counter that starts anew each second, and the breaker that stops it."""

from dataclasses import dataclass
from math import floor

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.tables import ConditionFailed, Table

from .. import rules
from .rows import PACE_KEY, PaceRow

# The provider counts over its own seconds, so five in a hundred are left unused.
MARGIN = 0.95


@dataclass(frozen=True)
class Slot:
    """Leave for one mail, or how long to wait for it. A probe tries out whether sending works again."""

    wait_seconds: float = 0
    is_probe: bool = False


@dataclass(frozen=True)
class _Request:
    """One mail that wants to go in this second."""

    second: int
    most: int
    most_bulk: int
    is_bulk: bool

    @property
    def fits(self) -> Condition:
        room: Condition = (PaceRow.second == self.second) & (PaceRow.sent < self.most) & (PaceRow.paused_until == 0)
        # Bulk has the half of it and no more, so that the other half is always there for what cannot wait.
        return room & (PaceRow.bulk < self.most_bulk) if self.is_bulk else room

    @property
    def counted(self) -> list[Change]:
        also = [PaceRow.bulk.add(1)] if self.is_bulk else []
        return [PaceRow.sent.add(1), PaceRow.total.add(1), *also]

    @property
    def first(self) -> list[Change]:
        """The counter of a new second, with this mail in it."""
        begun = [PaceRow.second.set(self.second), PaceRow.sent.set(1), PaceRow.bulk.set(int(self.is_bulk))]
        return [*begun, PaceRow.total.add(1)]


class Pace:
    def __init__(self, table: Table) -> None:
        self.table = table

    def take(self, rate: float, *, bulk: bool = False) -> Slot:
        """Leave for one more mail at this rate, which is then counted. 1 or 2 write units."""
        second, most = int(clock.now().timestamp()), max(1, floor(rate * MARGIN))
        asked = _Request(second, most, rules.bulk_share(most, second), bulk)
        while True:
            try:
                self.table.update(PaceRow, *PACE_KEY, *asked.counted, only_if=asked.fits, bump=False)
                return Slot()
            except ConditionFailed as failed:
                found: PaceRow | None = failed.old
            if found is not None and found.paused_until > second:
                return Slot(float(found.paused_until - second))
            if found is not None and found.paused_until > 0:
                if self._probe(asked, int(found.paused_until)):
                    return Slot(is_probe=True)
            elif (found is not None and found.second >= second) or (bulk and not asked.most_bulk):
                return Slot(1)
            # Whoever loses this finds a counter of this second or of a later one the next time.
            elif self._start(asked):
                return Slot()

    def pause(self, until: float) -> None:
        """Nothing is sent until then; whoever comes first after it tries out whether sending works again."""
        self.table.update(PaceRow, *PACE_KEY, PaceRow.paused_until.set(int(until)), upsert=True, bump=False)

    def resume(self) -> None:
        """The provider takes mails again. 1 write unit."""
        self.table.update(PaceRow, *PACE_KEY, PaceRow.paused_until.set(0), upsert=True, bump=False)

    def _probe(self, asked: _Request, seen: int) -> bool:
        """Be the one mail that is tried this minute; False when somebody else is."""
        until = asked.second + int(rules.PAUSE.total_seconds())
        return self._write([*asked.first, PaceRow.paused_until.set(until)], only_if=PaceRow.paused_until == seen)

    def _start(self, asked: _Request) -> bool:
        """Start the counter of this second with one mail; False when somebody else was first."""
        is_past = PaceRow.second.does_not_exist() | (PaceRow.second < asked.second)
        runs = PaceRow.paused_until.does_not_exist() | (PaceRow.paused_until == 0)
        return self._write([*asked.first, PaceRow.paused_until.set(0)], only_if=is_past & runs, upsert=True)

    def _write(self, changes: list[Change], *, only_if: Condition, upsert: bool = False) -> bool:
        try:
            self.table.update(PaceRow, *PACE_KEY, *changes, only_if=only_if, upsert=upsert, bump=False)
        except ConditionFailed:
            return False
        return True
