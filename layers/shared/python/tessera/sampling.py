"""Which reads are charged: one in ten of a subject, at ten times its cost, so that a read stays one request.

In each ten reads of a subject that this process serves, a hash of the first one's request id says which is charged.
So every read is charged with the same chance, whoever lives how long, and nobody can steer it, since the id is ours;
but the count is off by a few reads only, where ten independent throws would be off by hundreds.

A charge that is refused stays owed: until one is admitted, nothing more passes.
"""

import hashlib
import threading
from dataclasses import dataclass

from tessera.decisions import SAMPLE
from tessera.gcra import Window
from tessera.recent import Recent

REMEMBERED = 10_000
# Above this share of its rate, by this process's own count, an address is counted read by read.
EXACT_ABOVE_PERCENT = 60


@dataclass
class _Turns:
    passed: int = 0
    at: int = 0
    owing: bool = False
    period: int = 0
    count: int = 0


class Sampler:
    """What this process has let pass of each bucket."""

    def __init__(self) -> None:
        self._turns: Recent[_Turns] = Recent(REMEMBERED)
        self._lock = threading.Lock()

    def skips(self, name: str, request_id: str) -> bool:
        """Whether this read passes without a charge. One that does not must be settled."""
        with self._lock:
            turns = self._of(name)
            if turns.owing:
                return False
            if turns.passed == 0:
                turns.at = int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:8]) % SAMPLE
            is_its_turn = turns.passed == turns.at
            turns.passed = (turns.passed + 1) % SAMPLE
            return not is_its_turn

    def settle(self, name: str, *, allowed: bool) -> None:
        with self._lock:
            self._of(name).owing = not allowed

    def drop(self, name: str) -> None:
        self._turns.drop(name)

    def is_busy(self, name: str, window: Window, now: int) -> bool:
        """Count a read: whether there were so many in this period that each is to be charged."""
        with self._lock:
            turns, period = self._of(name), now // window.period
            turns.count = turns.count + 1 if turns.period == period else 1
            turns.period = period
            return turns.count * 100 > window.limit * EXACT_ABOVE_PERCENT

    def _of(self, name: str) -> _Turns:
        turns = self._turns.get(name)
        if turns is None:
            turns = _Turns()
            self._turns.put(name, turns)
        return turns
