"""Quick add: `Pay rent tomorrow 9am #home p1 every month` becomes a task. English only.

What is understood is taken out of the text; the rest is the title.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tessera.recurrence import Rule, instant_of, next_after

from .task import FIRST_YEAR, LAST_YEAR

MAX_TAG = 40

_DAY = timedelta(days=1)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CODES = dict(zip(_DAYS, ("MO", "TU", "WE", "TH", "FR", "SA", "SU"), strict=True))
_ORDINALS = {"1st": 1, "first": 1, "2nd": 2, "second": 2, "3rd": 3, "third": 3, "4th": 4, "fourth": 4, "last": -1}
_UNITS = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}

_DAY_NAME = f"({'|'.join(_DAYS)})"
_ORDINAL = f"({'|'.join(_ORDINALS)})"


@dataclass
class Understood:
    """What was read out of the text; None or empty where it says nothing."""

    title: str = ""
    day: date | None = None
    at: time | None = None
    priority: int | None = None
    tags: list[str] = field(default_factory=list)
    rule: str | None = None


def read(text: str, zone: ZoneInfo, now: datetime) -> Understood:
    """Understand one line. A repetition without a date begins with its first occurrence from today on."""
    local = now.astimezone(zone)
    found = Understood()
    rest = text
    for pattern, take in _PATTERNS:
        rest = pattern.sub(_taking(take, found, local.date()), rest)
    found.title = " ".join(rest.split())
    if found.rule is not None and found.day is None:
        found.day = _first_day(found, zone, now)
    elif found.at is not None and found.day is None:
        is_past = instant_of(datetime.combine(local.date(), found.at), zone) <= now
        found.day = local.date() + (_DAY if is_past else timedelta())
    return found


_Take = Callable[[re.Match[str], Understood, date], bool]


def _taking(take: _Take, found: Understood, today: date) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        # What cannot be meant, such as 31 February or a second date, stays in the title.
        return " " if take(match, found, today) else match[0]

    return replace


def _first_day(found: Understood, zone: ZoneInfo, now: datetime) -> date:
    today = now.astimezone(zone).date()
    start = datetime.combine(today, found.at or time())
    after = now if found.at else instant_of(start, zone) - timedelta(microseconds=1)
    first = next_after(Rule.parse(found.rule or ""), start, zone, after)
    return first.astimezone(zone).date() if first else today


def _repeats(match: re.Match[str], found: Understood, today: date) -> bool:
    if found.rule is not None:
        return False
    words = match[1].lower().split()
    found.rule = _rule_of(words)
    return found.rule is not None


def _rule_of(words: list[str]) -> str | None:
    if words[0] in _ORDINALS and len(words) == 2:
        return f"FREQ=MONTHLY;BYDAY={_ORDINALS[words[0]]}{_CODES[words[1]]}"
    interval = 1
    if words[0] == "other":
        interval, words = 2, words[1:]
    elif words[0].isdecimal():
        interval, words = int(words[0]), words[1:]
    if not 1 <= interval <= 999:
        return None
    every = f";INTERVAL={interval}" if interval > 1 else ""
    unit = words[0].removesuffix("s")
    if unit == "weekday":
        return f"FREQ=WEEKLY{every};BYDAY=MO,TU,WE,TH,FR"
    if unit == "weekend":
        return f"FREQ=WEEKLY{every};BYDAY=SA,SU"
    if unit in _CODES:
        return f"FREQ=WEEKLY{every};BYDAY={_CODES[unit]}"
    return f"FREQ={_UNITS[unit]}{every}"


def _tag(match: re.Match[str], found: Understood, today: date) -> bool:
    # Some letters become two in lower case.
    tag = unicodedata.normalize("NFC", match[1].lower())
    if len(found.tags) == 20 or len(tag) > MAX_TAG:
        return False
    if tag not in found.tags:
        found.tags.append(tag)
    return True


def _priority(match: re.Match[str], found: Understood, today: date) -> bool:
    if found.priority is not None:
        return False
    found.priority = int(match[1])
    return True


def _on(day: date | None, found: Understood) -> bool:
    if day is None or found.day is not None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        return False
    found.day = day
    return True


def _near(match: re.Match[str], found: Understood, today: date) -> bool:
    return _on(today + (_DAY if match[1].lower() == "tomorrow" else timedelta()), found)


def _in(match: re.Match[str], found: Understood, today: date) -> bool:
    count = int(match[1]) * (7 if match[2].lower().startswith("week") else 1)
    return _on(today + count * _DAY, found)


def _weekday(match: re.Match[str], found: Understood, today: date) -> bool:
    ahead = (_DAYS.index(match[1].lower()) - today.weekday()) % 7
    return _on(today + (ahead or 7) * _DAY, found)


def _iso(match: re.Match[str], found: Understood, today: date) -> bool:
    try:
        return _on(date.fromisoformat(match[1]), found)
    except ValueError:
        return False


def _clock(match: re.Match[str], found: Understood, today: date) -> bool:
    hour, minute, half = int(match[1]), int(match[2] or 0), (match[3] or "").lower()
    if half and not 1 <= hour <= 12:
        return False
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if found.at is not None or hour > 23 or minute > 59:
        return False
    found.at = time(hour, minute)
    return True


def _noon(match: re.Match[str], found: Understood, today: date) -> bool:
    if found.at is not None:
        return False
    found.at = time(12)
    return True


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\S){text}(?!\S)", re.IGNORECASE | re.ASCII)


_PATTERNS: tuple[tuple[re.Pattern[str], _Take], ...] = (
    (
        _pattern(
            rf"every\s+({_ORDINAL}\s+{_DAY_NAME}|(?:(?:other|\d{{1,3}})\s+)?"
            rf"(?:day|week|month|year|weekday|weekend|{_DAY_NAME})s?)"
        ),
        _repeats,
    ),
    (re.compile(r"(?<!\S)#([^\s#,]{1,40})(?!\S)"), _tag),
    (_pattern(r"p([1-4])"), _priority),
    (_pattern(r"(today|tomorrow)"), _near),
    (_pattern(r"in\s+(\d{1,3})\s+(days?|weeks?)"), _in),
    (_pattern(rf"(?:on\s+|next\s+)?{_DAY_NAME}"), _weekday),
    (_pattern(r"(?:on\s+)?(\d{4}-\d\d-\d\d)"), _iso),
    (_pattern(r"(?:at\s+)?(\d{1,2})(?::(\d\d))?\s?(am|pm)"), _clock),
    (_pattern(r"(?:at\s+)?(\d{1,2}):(\d\d)()"), _clock),
    (_pattern(r"(?:at\s+)?noon"), _noon),
)
