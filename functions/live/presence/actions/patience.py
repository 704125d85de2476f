"""Trying again while others write to the same room: many come and go at the same moment."""

from collections.abc import Callable
from typing import TypeVar

from tessera.backoff import Backoff
from tessera.problems import Busy
from tessera.seqlog import LogContended

from ..store.rooms import Changed

BUDGET_SECONDS = 15.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.020, 0.640
R = TypeVar("R")


def patiently(attempt: Callable[[], R]) -> R:
    """What `attempt` comes to once nobody comes in between. Raises `LogContended` when time runs out."""
    backoff = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, budget_seconds=BUDGET_SECONDS)
    while True:
        try:
            return attempt()
        except (Changed, LogContended, Busy):
            if not backoff.wait():
                raise LogContended() from None
