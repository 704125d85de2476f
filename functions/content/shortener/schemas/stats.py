"""What was counted."""

from datetime import date
from typing import Annotated

from pydantic import Field

from tessera import clock
from tessera.types import MAX_PAGE, Cursor, Day, Instant, Limit, Out, Params, Ulid

from ..rules.clicks import MAX_BUCKETS, TOP, Bucket, Facet
from .links import Host

Count = Annotated[int, Field(ge=0)]


class StatsParams(Params):
    """From the beginning of the bucket in which `from` lies; without it, the last 30 days."""

    since: Annotated[Instant | None, Field(alias="from")] = None
    until: Annotated[Instant | None, Field(alias="to")] = None
    bucket: Bucket = Bucket.DAY
    by: Facet | None = None


class BarOut(Out):
    start: Instant
    clicks: Count
    bots: Count


class ShareOut(Out):
    value: Annotated[str, Field(max_length=100)]
    clicks: Count


class StatsOut(Out):
    """`uniques` are visitors counted once a day, to about 3 percent; they and `breakdown` are of whole days.

    Bots are in `bots` alone. A breakdown names the most frequent values of each day and adds up all `other` ones.
    """

    link_id: Ulid
    since: Instant
    until: Instant
    bucket: Bucket
    clicks: Count
    bots: Count
    uniques: Count
    series: Annotated[list[BarOut], Field(max_length=MAX_BUCKETS + 1)]
    breakdown: Annotated[list[ShareOut], Field(max_length=MAX_BUCKETS * TOP)] | None


class ClickParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class ClickOut(Out):
    """Nothing here names a visitor. All but the time is missing for who has asked not to be tracked."""

    id: Ulid
    at: Instant
    is_bot: bool
    country: Annotated[str, Field(max_length=2)] | None = None
    referrer: Annotated[str, Field(max_length=60)] | None = None
    device: Annotated[str, Field(max_length=20)] | None = None
    browser: Annotated[str, Field(max_length=20)] | None = None
    os: Annotated[str, Field(max_length=20)] | None = None
    language: Annotated[str, Field(max_length=3)] | None = None


class OrphanParams(Params):
    """Of your own domain; those of the service itself are for staff."""

    domain: Host | None = None
    day: Day | None = None

    @property
    def last(self) -> date:
        return self.day or clock.now().date()


class OrphanDay(Out):
    day: Day
    hits: Count
    bots: Count
    codes: Annotated[list[ShareOut], Field(max_length=TOP + 1)]


class OrphansOut(Out):
    """The thirty days up to the one that was asked for."""

    items: Annotated[list[OrphanDay], Field(max_length=MAX_PAGE)]
