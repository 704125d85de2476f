"""What was counted, shown to the owner."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tessera import clock
from tessera.auth.principal import Principal

from ..ports import Ports
from ..rules import distinct
from ..rules.clicks import KEPT, Bar, Bucket, Facet, orphans_of, starts
from ..rules.links import OURS
from ..store.clicks import VISITORS, facets_of
from ..store.rows import ClickRow, CountRow
from .domains import own

SHOWN_DAYS = 30
STAFF = "shortener:moderate"


@dataclass(frozen=True)
class Stats:
    link_id: str
    since: datetime
    until: datetime
    bars: Sequence[Bar]
    uniques: int
    breakdown: Sequence[tuple[str, int]] | None


@dataclass(frozen=True)
class Orphans:
    day: date
    hits: int
    bots: int
    codes: Sequence[tuple[str, int]]


def stats(
    ports: Ports,
    link_id: str,
    since: datetime | None,
    until: datetime | None,
    bucket: Bucket,
    by: Facet | None,
    *,
    caller: Principal,
) -> Stats:
    """2 requests to find the link and 1 for its counters, 2 where they are by the hour.

    Raises `NotFound`, `InvalidRequest`.
    """
    ends = until or clock.now()
    begins = since or ends - timedelta(days=SHOWN_DAYS)
    if bucket is Bucket.HOUR and since is None:
        begins = ends - timedelta(days=1)
    times = starts(begins, ends, bucket)
    link = ports.links.get(caller.owner_id, link_id)
    days = list(ports.clicks.buckets(link.id, f"D#{times[0]:%Y%m%d}", f"D#{times[-1]:%Y%m%d}"))
    rows, form = days, "%Y%m%d"
    if bucket is Bucket.HOUR:
        form = "%Y%m%d%H"
        rows = list(ports.clicks.buckets(link.id, f"H#{times[0]:{form}}", f"H#{times[-1]:{form}}"))
    by_time = _by_time(rows)
    bars = [Bar(when, *by_time.get(f"{when:{form}}", (0, 0))) for when in times]
    sketches = [bytes(row.visitors) for row in days if row.visitors]
    uniques = distinct.estimate(distinct.joined(sketches)) if sketches else 0
    return Stats(link.id, times[0], ends, bars, uniques, _shares(days, by) if by is not None else None)


def clicks(
    ports: Ports, link_id: str, limit: int, after: tuple[str, str] | None, *, caller: Principal
) -> tuple[list[ClickRow], tuple[str, str] | None]:
    """The last clicks of one day, and the day and click after which the next page starts.

    2 requests to find the link, 1 for the days that have any, 16 for those of a day. Raises `NotFound`.
    """
    link = ports.links.get(caller.owner_id, link_id)
    now = clock.now()
    until, before = after or (f"{now:%Y%m%d}", None)
    days = ports.clicks.days(link.id, f"{now - KEPT:%Y%m%d}", until)
    if not days:
        return [], None
    day = days[0]
    rows = ports.clicks.raw(link.id, day, limit, (before or None) if day == until else None)
    if len(rows) == limit:
        return rows, (day, rows[-1].sk)
    return rows, (days[1], "") if len(days) > 1 else None


def orphans(ports: Ports, host: str | None, last: date, *, caller: Principal) -> list[Orphans]:
    """Hits on codes that there are not, of thirty days. 1 or 2 requests. Raises `NotFound`, `InsufficientScope`."""
    if host is None:
        caller.require(STAFF)
    else:
        own(ports, host, caller)
    first = last - timedelta(days=SHOWN_DAYS - 1)
    rows = list(ports.clicks.buckets(orphans_of(host or OURS), f"D#{first:%Y%m%d}", f"D#{last:%Y%m%d}"))
    counted = _by_time(rows)
    found = []
    for name in sorted(counted, reverse=True):
        people, bots = counted[name]
        shares = _shares([row for row in rows if row.sk.startswith(f"D#{name}")], Facet.CODE)
        day = datetime.strptime(name, "%Y%m%d").replace(tzinfo=UTC).date()
        found.append(Orphans(day, people, bots, shares))
    return found


def _by_time(rows: Sequence[CountRow]) -> dict[str, tuple[int, int]]:
    """Clicks and bots by hour or day, of all places that they are counted in."""
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        _, time, place = row.sk.split("#")
        if place != VISITORS:
            people, bots = found.get(time, (0, 0))
            found[time] = people + int(row.clicks), bots + int(row.bots)
    return found


def _shares(rows: Sequence[CountRow], by: Facet) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update(facets_of(row).get(by.value, {}))
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
