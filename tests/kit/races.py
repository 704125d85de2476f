"""Many threads doing one thing at the same moment, and how each came out."""

import threading
from collections import Counter
from collections.abc import Callable
from contextvars import copy_context
from typing import Any


class Outcome:
    def __init__(self, value: Any = None, error: BaseException | None = None) -> None:
        self.value, self.error = value, error

    @property
    def name(self) -> str:
        return "ok" if self.error is None else getattr(self.error, "slug", type(self.error).__name__)


def together(*work: Callable[[], Any], times: int = 1) -> list[Outcome]:
    """Run every callable `times` times, all released by one barrier, each in a thread of its own."""
    calls = [call for call in work for _ in range(times)]
    outcomes: list[Outcome] = [Outcome() for _ in calls]
    barrier = threading.Barrier(len(calls))

    def run(position: int) -> None:
        barrier.wait()
        try:
            outcomes[position] = Outcome(calls[position]())
        except BaseException as error:  # noqa: BLE001
            outcomes[position] = Outcome(error=error)

    threads = [threading.Thread(target=copy_context().run, args=(run, position)) for position in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def outcomes(results: list[Outcome]) -> Counter[str]:
    """How many came out which way: `ok`, a problem's slug, or an error's class."""
    return Counter(result.name for result in results)
