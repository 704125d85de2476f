"""Clicks as they are counted: what one is, how they are grouped, and breakdowns that stay small."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .problems import refused

MAX_BUCKETS = 400
# With the counters of its hour, its day and the whole, still within the hundred of a transaction.
MAX_AT_ONCE = 80
KEPT = timedelta(days=30)
COUNTED = timedelta(days=732)
TOP, OTHER = 200, "other"
CLICK_SHARDS = 16

Breakdowns = Mapping[str, Mapping[str, int]]


class Facet(StrEnum):
    """What clicks are told apart by."""

    COUNTRY = "country"
    REFERRER = "referrer"
    DEVICE = "device"
    BROWSER = "browser"
    OS = "os"
    LANGUAGE = "language"
    CODE = "code"


class Bucket(StrEnum):
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True)
class Click:
    """One redirect. `subject` is the link's id, or the domain whose unknown code was asked for.

    `visitor` stands for an address and a browser for a day. Who asks for privacy has none, and no facets.
    """

    id: str
    subject: str
    domain: str
    code: str
    at: datetime
    is_bot: bool
    shards: int = 1
    visitor: str | None = None
    facets: Mapping[str, str] | None = None

    @property
    def hour(self) -> str:
        return f"{self.at:%Y%m%d%H}"

    @property
    def day(self) -> str:
        return f"{self.at:%Y%m%d}"


@dataclass(frozen=True)
class Bar:
    """What was counted in one hour or day."""

    start: datetime
    clicks: int = 0
    bots: int = 0


def orphans_of(domain: str) -> str:
    """In place of a link's id, for codes that there are not."""
    return f"orphans:{domain}"


def grouped(clicks: Iterable[Click]) -> dict[tuple[str, str], list[Click]]:
    """Clicks by what they are of and their hour, each click once."""
    found: dict[tuple[str, str], dict[str, Click]] = {}
    for click in clicks:
        found.setdefault((click.subject, click.hour), {})[click.id] = click
    return {key: list(by_id.values()) for key, by_id in found.items()}


def chunks(clicks: Sequence[Click]) -> Iterator[Sequence[Click]]:
    for start in range(0, len(clicks), MAX_AT_ONCE):
        yield clicks[start : start + MAX_AT_ONCE]


def broken_down(clicks: Iterable[Click]) -> dict[str, Counter[str]]:
    """How many people's clicks have which value of each facet. Bots are in none of them."""
    found: dict[str, Counter[str]] = {}
    for click in clicks:
        if not click.is_bot:
            for facet, value in (click.facets or {}).items():
                found.setdefault(facet, Counter())[value] += 1
    return found


def added(before: Breakdowns, more: Breakdowns, top: int = TOP) -> dict[str, dict[str, int]]:
    """Both together; of each facet the most frequent values, and all the rest as one."""
    made: dict[str, dict[str, int]] = {}
    for facet in sorted({*before, *more}):
        counts = Counter(before.get(facet, {}))
        counts.update(more.get(facet, {}))
        rest = counts.pop(OTHER, 0)
        # Among equals by name, so that the outcome is the same whoever counts.
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        rest += sum(count for _, count in ranked[top:])
        made[facet] = {**dict(ranked[:top]), **({OTHER: rest} if rest else {})}
    return made


def starts(since: datetime, until: datetime, bucket: Bucket) -> list[datetime]:
    """The beginnings of all hours or days that the range touches. Raises `InvalidRequest`."""
    first = since.replace(minute=0, second=0, microsecond=0)
    step = timedelta(hours=1)
    if bucket is Bucket.DAY:
        first, step = first.replace(hour=0), timedelta(days=1)
    if until <= since:
        raise refused("?from", "The range begins before it ends.")
    if (until - first) / step > MAX_BUCKETS:
        raise refused("?from", f"A range has at most {MAX_BUCKETS} {bucket.value}s.")
    found = []
    while first < until:
        found.append(first)
        first += step
    return found
