"""The text of a recurrence rule, all of RFC 5545 3.3.10 but FREQ=SECONDLY: nothing here fires twice in a minute.

`tessera.rrule` reads the smaller language of to-do lists, in which a short month has a last day instead of being
skipped. `expansion` says when a rule of this one falls.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, TypeVar, get_args

MAX_COUNT = 10_000
MAX_INTERVAL = 1_000
MAX_TEXT_CHARACTERS = 500

Frequency = Literal["MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
V = TypeVar("V")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
ELAPSED: frozenset[str] = frozenset(["MINUTELY", "HOURLY"])

_BY_DAY = re.compile(r"([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,5}", re.ASCII)
_UNTIL = re.compile(r"(\d{8})(?:T(\d{6})(Z)?)?", re.ASCII)
# Part, lowest, highest, whether it counts from the end as well.
_LISTS = {
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYMONTH": (1, 12, False),
    "BYSETPOS": (1, 366, True),
}
_PARTS = frozenset([*_LISTS, "FREQ", "INTERVAL", "COUNT", "UNTIL", "BYSECOND", "BYDAY", "WKST"])
# Where RFC 5545 gives a part no meaning.
_MEANINGLESS: dict[str, frozenset[str]] = {
    "BYMONTHDAY": frozenset(["WEEKLY"]),
    "BYYEARDAY": frozenset(["DAILY", "WEEKLY", "MONTHLY"]),
    "BYWEEKNO": frozenset(get_args(Frequency)) - {"YEARLY"},
}


class BadRule(ValueError):
    """A rule that cannot be read; the message names the part at fault."""


@dataclass(frozen=True)
class Rule:
    """A recurrence rule. `by_day` holds (ordinal, weekday), the ordinal 0 for every such day, Monday being 0.

    `until` is a day (to its end), a local time, or an instant; the last occurrence may fall on it.
    """

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: date | datetime | None = None
    second: int | None = None
    minutes: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    month_days: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    weeks: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    week_start: int = 0

    @property
    def is_elapsed(self) -> bool:
        """Whether it steps in elapsed time; the others step on the wall clock."""
        return self.frequency in ELAPSED

    @property
    def names_days(self) -> bool:
        return bool(self.by_day or self.month_days or self.year_days or self.weeks)

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Read `FREQ=MONTHLY;BYDAY=2TU`. Raises `BadRule`."""
        if len(text) > MAX_TEXT_CHARACTERS:
            raise BadRule(f"A rule has at most {MAX_TEXT_CHARACTERS} characters.")
        parts = _parts(text)
        frequency = parts.get("FREQ", "")
        if frequency not in get_args(Frequency):
            raise BadRule("FREQ must be MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY.")
        if "COUNT" in parts and "UNTIL" in parts:
            raise BadRule("COUNT and UNTIL cannot stand together.")
        for name, wrong in _MEANINGLESS.items():
            if name in parts and frequency in wrong:
                raise BadRule(f"{name} has no meaning with FREQ={frequency}.")
        if "BYSETPOS" in parts and not any(name.startswith("BY") for name in parts.keys() - {"BYSETPOS"}):
            raise BadRule("BYSETPOS needs another BY part to choose from.")
        lists = {name: _numbers(name, parts[name], *bounds) for name, bounds in _LISTS.items() if name in parts}
        return cls(
            frequency=_FREQUENCIES[frequency],
            interval=_read(parts, "INTERVAL", lambda value: _whole("INTERVAL", value, 1, MAX_INTERVAL), 1),
            count=_read(parts, "COUNT", lambda value: _whole("COUNT", value, 1, MAX_COUNT), None),
            until=_read(parts, "UNTIL", _until, None),
            second=_read(parts, "BYSECOND", lambda value: _whole("BYSECOND", value, 0, 59), None),
            by_day=_read(parts, "BYDAY", lambda value: _by_day(value, frequency, "BYWEEKNO" in parts), ()),
            week_start=_read(parts, "WKST", _weekday, 0),
            minutes=lists.get("BYMINUTE", ()),
            hours=lists.get("BYHOUR", ()),
            month_days=lists.get("BYMONTHDAY", ()),
            year_days=lists.get("BYYEARDAY", ()),
            weeks=lists.get("BYWEEKNO", ()),
            months=lists.get("BYMONTH", ()),
            positions=lists.get("BYSETPOS", ()),
        )


_FREQUENCIES: dict[str, Frequency] = {name: name for name in get_args(Frequency)}


def _read(parts: dict[str, str], name: str, read: Callable[[str], V], otherwise: V) -> V:
    return read(parts[name]) if name in parts else otherwise


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.upper().strip().removeprefix("RRULE:").split(";"):
        name, _, value = part.partition("=")
        if name not in _PARTS or not value:
            raise BadRule(f"{part[:40] or 'An empty part'} is not a part of a rule.")
        if name in parts:
            raise BadRule(f"{name} is given twice.")
        parts[name] = value
    return parts


def _whole(name: str, value: str, low: int, high: int) -> int:
    if not _NUMBER.fullmatch(value) or not low <= int(value) <= high:
        # More than one BYSECOND would fire twice in a minute.
        raise BadRule(f"{name} must be one whole number from {low} to {high}.")
    return int(value)


def _numbers(name: str, value: str, low: int, high: int, from_end: bool) -> tuple[int, ...]:
    found = set()
    for item in value.split(","):
        number = int(item) if _NUMBER.fullmatch(item) else None
        if number is None or not low <= (abs(number) if from_end else number) <= high:
            told = f", or -{low} to -{high} from the end" if from_end else ""
            raise BadRule(f"{name} must be numbers from {low} to {high}{told}.")
        found.add(number)
    return tuple(sorted(found))


def _by_day(value: str, frequency: str, has_weeks: bool) -> tuple[tuple[int, int], ...]:
    furthest = {"MONTHLY": 5, "YEARLY": 0 if has_weeks else 53}.get(frequency, 0)
    days = set()
    for item in value.split(","):
        match = _BY_DAY.fullmatch(item)
        if match is None:
            raise BadRule("BYDAY must be days like MO or 2TU.")
        ordinal = int(match[1] or 0)
        if abs(ordinal) > furthest:
            raise BadRule(f"BYDAY={item} has no meaning here: an ordinal counts within a month or a year.")
        days.add((ordinal, WEEKDAYS.index(match[2])))
    return tuple(sorted(days))


def _weekday(value: str) -> int:
    if value not in WEEKDAYS:
        raise BadRule("WKST must be a day like MO.")
    return WEEKDAYS.index(value)


def _until(value: str) -> date | datetime:
    refusal = BadRule("UNTIL must be like 20261231, 20261231T090000 or 20261231T090000Z.")
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
