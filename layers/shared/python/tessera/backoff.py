"""Pauses between the tries of one piece of work: of chance length, growing, and within a budget of time."""

import random
import time
from math import inf

from tessera import clock


class Backoff:
    """Made when the work begins; each pause lies anywhere between nothing and its bound, so that rivals part.

    The bound is `first_seconds`, then twice that, and so on up to `longest_seconds`.
    """

    def __init__(self, first_seconds: float, longest_seconds: float, *, budget_seconds: float = inf) -> None:
        self._bound, self._longest = first_seconds, longest_seconds
        self._began, self._budget = clock.monotonic(), budget_seconds

    def wait(self) -> bool:
        """Wait before the next try. False, and at once, where the pause would go beyond the budget."""
        seconds = random.uniform(0, self._bound)
        if clock.monotonic() - self._began + seconds > self._budget:
            return False
        # Whoever came first is done in milliseconds, which is sooner than anybody would come back with the request.
        time.sleep(seconds)
        self._bound = min(self._longest, self._bound * 2)
        return True
