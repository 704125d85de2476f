"""The text of a recurrence rule: the part of RFC 5545 3.3.10 that to-do lists need.

FREQ (DAILY to YEARLY), INTERVAL, BYDAY with ordinals, BYMONTHDAY from either end, COUNT and UNTIL.
`recurrence` says when such a rule falls.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

MAX_COUNT = 10_000
MAX_INTERVAL = 1_000
MAX_TEXT_CHARACTERS = 500

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]

_FREQUENCIES: dict[str, Frequency] = {
    "DAILY": "DAILY",
    "WEEKLY": "WEEKLY",
    "MONTHLY": "MONTHLY",
    "YEARLY": "YEARLY",
}
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_BY_DAY = re.compile(r"([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_WHOLE = re.compile(r"[1-9]\d{0,5}", re.ASCII)
_MONTH_DAY = re.compile(r"[+-]?[1-9]\d?", re.ASCII)
_UNTIL = re.compile(r"(\d{8})(?:T(\d{6})(Z)?)?", re.ASCII)


class UnsupportedRule(ValueError):
    """A rule that is malformed or uses what is not offered; `part` is the piece at fault, as it was written."""

    def __init__(self, part: str, why: str = "is not supported") -> None:
        self.part = part
        super().__init__(f"{part or 'An empty rule'} {why}.")


@dataclass(frozen=True)
class Rule:
    """A recurrence rule. `by_day` holds (ordinal, weekday), the ordinal 0 for every such day, Monday being 0.

    `until` is a day (to its end), a local time, or an instant; the last occurrence may fall on it.
    """

    frequency: Frequency
    interval: int = 1
    by_day: tuple[tuple[int, int], ...] = ()
    by_month_day: tuple[int, ...] = ()
    count: int | None = None
    until: date | datetime | None = None

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Read `FREQ=MONTHLY;BYDAY=2TU`. Raises `UnsupportedRule`, which names the part at fault."""
        if len(text) > MAX_TEXT_CHARACTERS:
            raise UnsupportedRule(text[:20] + "…", "is too long")
        parts: dict[str, str] = {}
        for part in text.strip().upper().removeprefix("RRULE:").removesuffix(";").split(";"):
            name, _, value = part.partition("=")
            if name not in ("FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "COUNT", "UNTIL") or not value:
                raise UnsupportedRule(part)
            if name in parts:
                raise UnsupportedRule(part, "is given twice")
            parts[name] = value
        frequency = _FREQUENCIES.get(parts.get("FREQ", ""))
        if frequency is None:
            raise UnsupportedRule(f"FREQ={parts['FREQ']}" if "FREQ" in parts else "FREQ", "must be DAILY to YEARLY")
        if "COUNT" in parts and "UNTIL" in parts:
            raise UnsupportedRule(f"UNTIL={parts['UNTIL']}", "cannot stand beside COUNT")
        return cls(
            frequency=frequency,
            interval=_whole("INTERVAL", parts["INTERVAL"], MAX_INTERVAL) if "INTERVAL" in parts else 1,
            by_day=_by_day(parts["BYDAY"], frequency) if "BYDAY" in parts else (),
            by_month_day=_by_month_day(parts["BYMONTHDAY"], frequency) if "BYMONTHDAY" in parts else (),
            count=_whole("COUNT", parts["COUNT"], MAX_COUNT) if "COUNT" in parts else None,
            until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        )


def _whole(name: str, value: str, most: int) -> int:
    if not _WHOLE.fullmatch(value) or int(value) > most:
        raise UnsupportedRule(f"{name}={value}", f"must be a whole number from 1 to {most}")
    return int(value)


def _by_day(value: str, frequency: Frequency) -> tuple[tuple[int, int], ...]:
    furthest = {"MONTHLY": 5, "YEARLY": 53}.get(frequency, 0)
    days = set()
    for item in value.split(","):
        match = _BY_DAY.fullmatch(item)
        if match is None:
            raise UnsupportedRule(f"BYDAY={item}", "must be days like MO or 2TU")
        ordinal = int(match[1] or 0)
        if abs(ordinal) > furthest:
            # RFC 5545: an ordinal has a meaning only within a month or a year.
            raise UnsupportedRule(f"BYDAY={item}", f"has no meaning with FREQ={frequency}")
        days.add((ordinal, _WEEKDAYS.index(match[2])))
    return tuple(sorted(days))


def _by_month_day(value: str, frequency: Frequency) -> tuple[int, ...]:
    if frequency == "WEEKLY":
        raise UnsupportedRule(f"BYMONTHDAY={value}", "has no meaning with FREQ=WEEKLY")
    days = set()
    for item in value.split(","):
        if not _MONTH_DAY.fullmatch(item) or abs(int(item)) > 31:
            raise UnsupportedRule(f"BYMONTHDAY={item}", "must be days from 1 to 31, or -1 to -31 from the end")
        days.add(int(item))
    return tuple(sorted(days))


def _until(value: str) -> date | datetime:
    refusal = UnsupportedRule(f"UNTIL={value}", "must be like 20261231, 20261231T090000 or 20261231T090000Z")
    match = _UNTIL.fullmatch(value)
    if match is None:
        raise refusal
    try:
        if match[2] is None:
            return datetime.strptime(match[1], "%Y%m%d").date()
        wall = datetime.strptime(match[1] + match[2], "%Y%m%d%H%M%S")
    except ValueError as error:
        raise refusal from error
    return wall.replace(tzinfo=UTC) if match[3] else wall
