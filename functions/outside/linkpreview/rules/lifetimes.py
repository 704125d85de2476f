"""How long a card is good for."""

import re

MINUTE, HOUR, DAY = 60, 3_600, 86_400
SHORTEST, USUAL, LONGEST = 10 * MINUTE, DAY, 7 * DAY
# An outdated card is still shown for so long, while one job refreshes it.
STALE = 7 * DAY

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?([0-9]{1,10})", re.IGNORECASE)
_NEVER = re.compile(r"(?:^|[\s,])(?:no-store|no-cache)\b", re.IGNORECASE)


def of_page(cache_control: str, *, is_wall: bool = False) -> int:
    """Seconds for a page with this header. What stands before the page is forgotten soon."""
    if is_wall or _NEVER.search(cache_control):
        return SHORTEST
    found = _MAX_AGE.search(cache_control)
    return min(max(int(found[1]), SHORTEST), LONGEST) if found else USUAL


def of_failure(status: int | None) -> int:
    """Seconds for which a page is not asked again that could not be read; `status` is its own answer, if any."""
    return HOUR if status is not None and 400 <= status < 500 and status not in (408, 425, 429) else SHORTEST
