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
        if time.monotonic() - self._said >= SECONDS_BETWEEN:
            self.say(self.now)

    def say(self, what: str) -> None:
        self._said = time.monotonic()
        print(f"  {self._said - self._began:6.0f} s  {self._name}: {what}", file=sys.stderr, flush=True)
