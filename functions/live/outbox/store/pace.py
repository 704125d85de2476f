"""How fast all workers together may send: one counter that starts anew each second."""

from math import floor

from tessera import clock
from tessera.tables import ConditionFailed, Table

from .rows import PaceRow

# The provider counts over its own seconds, so five in a hundred are left unused.
MARGIN = 0.95
_KEY = ("PACE", "-")


class Pace:
    def __init__(self, table: Table) -> None:
        self.table = table

    def wait_seconds(self, rate: float) -> float:
        """0 when one more mail may go now, which is then counted; else how long to wait. 1 or 2 write units."""
        second, most = int(clock.now().timestamp()), max(1, floor(rate * MARGIN))
        fits = (PaceRow.second == second) & (PaceRow.sent < most) & (PaceRow.paused_until <= second)
        while True:
            try:
                self.table.update(PaceRow, *_KEY, PaceRow.sent.add(1), only_if=fits, bump=False)
                return 0
            except ConditionFailed as failed:
                found: PaceRow | None = failed.old
            if found is not None and found.paused_until > second:
                return float(found.paused_until - second)
            if found is not None and found.second >= second:
                return 1
            # Whoever loses this finds a counter of this second or of a later one the next time.
            if self._start(second):
                return 0

    def pause(self, until: float) -> None:
        """Nothing is sent until then; whoever comes first after it tries out whether sending works again."""
        self.table.update(PaceRow, *_KEY, PaceRow.paused_until.set(int(until)), upsert=True, bump=False)

    def _start(self, second: int) -> bool:
        """Start the counter of this second with one mail; False when somebody else was first."""
        is_past = PaceRow.second.does_not_exist() | (PaceRow.second < second)
        runs = PaceRow.paused_until.does_not_exist() | (PaceRow.paused_until <= second)
        changes = [PaceRow.second.set(second), PaceRow.sent.set(1), PaceRow.paused_until.set(0)]
        try:
            self.table.update(PaceRow, *_KEY, *changes, only_if=is_past & runs, upsert=True, bump=False)
        except ConditionFailed:
            return False
        return True
