"""How often and when a delivery is tried again, and how many of them a person gets."""

from collections.abc import Callable
from datetime import datetime, timedelta

LEASE = timedelta(seconds=60)
# How long a delivery waits for its message before the sweeper looks after it.
OVERDUE = timedelta(seconds=90)
# Queues hold a message back no longer; what waits longer, the sweeper brings.
LONGEST_DELAY = timedelta(minutes=15)
MAX_ATTEMPTS = 5
PAUSES = (30, 120, 600, 3_600, 21_600)
SPREAD = 0.2
# At most so many of a channel for one person, in a window of this many seconds. SMS counts segments.
CAPS = {"email": (30, 3_600), "push": (60, 3_600), "webhook": (120, 3_600), "sms": (20, 86_400)}
DIGEST_ITEMS = 20


def pause_seconds(attempts: int, chance: Callable[[float, float], float]) -> int:
    """How long to wait after so many attempts, give or take a fifth."""
    base = PAUSES[min(max(attempts, 1), len(PAUSES)) - 1]
    return round(base * chance(1 - SPREAD, 1 + SPREAD))


def cap_window(channel: str, now: datetime) -> int:
    """The number of the window that counts now."""
    return int(now.timestamp()) // CAPS[channel][1]
