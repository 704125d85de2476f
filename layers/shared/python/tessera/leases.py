"""Units of a bucket that one write has paid for and that are spent in memory, where a subject may ask very often.

What is spent was charged before, so that nothing is over-admitted; what is not spent in two seconds is lost.
"""

import threading
from dataclasses import dataclass

from tessera.recent import Recent
from tessera.tallies import MICROS, State

LEASE_MICROS = 2 * MICROS
# Where more is asked for than there is, few units at a time would be a write for each of them.
PAUSE_MICROS = MICROS // 20
REMEMBERED = 1_000


@dataclass
class _Lease:
    left: int
    until: int
    state: State


class Leases:
    """What this process holds of each bucket."""

    def __init__(self) -> None:
        self._held: Recent[_Lease] = Recent(REMEMBERED)
        self._small_at: Recent[int] = Recent(REMEMBERED)
        self._lock = threading.Lock()

    def take(self, name: str, cost: int, now: int) -> State | None:
        """Spend units that are held: the bucket as it was when they were taken, or None when there are too few."""
        with self._lock:
            lease = self._held.get(name)
            if lease is None or now >= lease.until or lease.left < cost:
                return None
            lease.left -= cost
            return lease.state

    def put(self, name: str, state: State, units: int, now: int) -> None:
        """Hold units that were charged at `now`, with those that another thread may hold."""
        with self._lock:
            lease = self._held.get(name)
            rest = lease if lease is not None and now < lease.until else None
            until = min(now + LEASE_MICROS, rest.until) if rest and rest.left else now + LEASE_MICROS
            self._held.put(name, _Lease(units + (rest.left if rest else 0), until, state))

    def pause(self, name: str, now: int) -> int:
        """How long to wait before fewer units than a lease may be taken."""
        return max(0, (self._small_at.get(name) or 0) + PAUSE_MICROS - now)

    def paused(self, name: str, now: int) -> None:
        """Fewer units than a lease are taken now."""
        self._small_at.put(name, now)

    def drop(self, name: str) -> None:
        self._held.drop(name)

    def give_back(self, name: str, cost: int, now: int) -> bool:
        """Take units back into what is held; False when nothing is."""
        with self._lock:
            lease = self._held.get(name)
            if lease is None or now >= lease.until:
                return False
            lease.left += cost
            return True
