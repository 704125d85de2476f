"""Spans like `-P1D` and `PT15M`: days are days of the calendar, the rest is elapsed time (RFC 5545 3.3.6)."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tessera.recurrence import instant_of

LONGEST = timedelta(days=366)
# Whole minutes: nothing here fires twice in one.
PATTERN = r"^[+-]?P(?:\d{1,2}W|(?:\d{1,3}D)?(?:T(?:\d{1,4}H)?(?:\d{1,6}M)?)?)$"
_PARTS = re.compile(r"([+-]?)P(?:(\d{1,2})W|(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,6})M)?)?)", re.ASCII)


@dataclass(frozen=True)
class Span:
    days: int
    elapsed: timedelta

    @classmethod
    def parse(cls, text: str) -> "Span":
        """Raises `ValueError`."""
        match = _PARTS.fullmatch(text)
        if match is None or not any(match.groups()[1:]) or text.endswith("T"):
            raise ValueError("A span looks like -P1D, -PT15M or P1W.")
        weeks, days, hours, minutes = (int(found or 0) for found in match.groups()[1:])
        sign = -1 if match[1] == "-" else 1
        made = cls(sign * (7 * weeks + days), sign * timedelta(hours=hours, minutes=minutes))
        if abs(made.about) > LONGEST:
            raise ValueError(f"A span has at most {LONGEST.days} days.")
        return made

    @property
    def about(self) -> timedelta:
        """Its length where no clock is set forward or back meanwhile."""
        return timedelta(days=self.days) + self.elapsed

    def from_(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """The instant this far away: the same local time on another day, then elapsed time."""
        if not self.days:
            return instant + self.elapsed
        wall = instant.astimezone(zone).replace(tzinfo=None, fold=0)
        return instant_of(wall + timedelta(days=self.days), zone) + self.elapsed
