"""A line now and then, so that a long run is seen to go on."""

import sys
import time

SECONDS_BETWEEN = 10


class Progress:
    """`now` is what the next line says."""

    def __init__(self, name: str) -> None:
        self.now = "the tests begin"
        self._name, self._began = name, time.monotonic()
        self._said = self._began

    def tick(self) -> None:
        """Say it, when the last line is long enough ago."""
        at = time.monotonic()
        if at - self._said >= SECONDS_BETWEEN:
            self._said = at
            print(f"  {at - self._began:6.0f} s  {self._name}: {self.now}", file=sys.stderr, flush=True)
