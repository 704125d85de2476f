"""The one source of time: nothing else in Tessera asks the system what time it is."""

import re
import time
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}", re.ASCII)
# Files that lie beside the zones in the database but name no zone of their own.
_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})


class Source(Protocol):
    """Anything that can say what time it is, as an aware instant."""

    def now(self) -> datetime: ...


class _System:
    def now(self) -> datetime:
        return datetime.now(UTC)


# A plain global and not a ContextVar: a new thread starts with an empty context, and a test that
# races threads needs all of them on its clock.
_source: Source = _System()


@contextmanager
def using(source: Source) -> Iterator[None]:
    """Take the time from this source inside the block, in every thread of the process."""
    global _source
    before = _source
    _source = source
    try:
        yield
    finally:
        _source = before


def now() -> datetime:
    """The present instant, aware and in UTC."""
    return _source.now().astimezone(UTC)


def micros() -> int:
    """Microseconds since 1970, exact."""
    return (now() - EPOCH) // _MICROSECOND


def millis() -> int:
    """Milliseconds since 1970."""
    return micros() // 1000


def monotonic() -> float:
    """Seconds from an arbitrary start, never going back: for durations only, so no source replaces it."""
    return time.monotonic()


def from_millis(value: int) -> datetime:
    """The instant this many milliseconds after 1970."""
    return EPOCH + timedelta(milliseconds=value)


def rfc3339(instant: datetime) -> str:
    """`2026-11-21T11:33:00.123Z`: UTC, always with milliseconds, so that text sorts as time does.

    Raises `ValueError` for a naive value, whose instant nobody knows.
    """
    if instant.utcoffset() is None:
        raise ValueError("A time without an offset is not an instant.")
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse(text: str) -> datetime:
    """Read an RFC 3339 instant with any offset; the answer is in UTC.

    Raises `ValueError` for anything else, a missing offset included.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError("A time looks like 2026-11-21T11:33:00Z, with its offset.")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("There is no such date or time.") from error


def zone(name: str) -> zoneinfo.ZoneInfo:
    """The IANA time zone of this name. Raises `ValueError` when there is none."""
    refusal = "This is not an IANA time zone. One looks like Europe/Berlin."
    if len(name) > 64 or not _ZONE.fullmatch(name) or name in _NO_ZONES or name.startswith(("posix/", "right/")):
        raise ValueError(refusal)
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        # A region without a city is a folder of the database, which reads as an OSError.
        raise ValueError(refusal) from error
