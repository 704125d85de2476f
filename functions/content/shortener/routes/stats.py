from typing import Annotated, Literal

from fastapi import Header, Query, Response

from tessera.auth.problems import InsufficientScope
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound
from tessera.types import Page

from .. import qr
from ..actions import stats as actions
from ..schemas.links import short_url
from ..schemas.stats import (
    BarOut,
    ClickOut,
    ClickParams,
    OrphanDay,
    OrphanParams,
    OrphansOut,
    ShareOut,
    StatsOut,
    StatsParams,
)
from ..store.clicks import raw_facets
from .given import PREFIX, TAGS, Bound, Keys, Reader

router = Router(prefix=PREFIX, tags=TAGS)
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]
Size = Annotated[int, Query(ge=1, le=64, description="The side of a module.")]
Margin = Annotated[int, Query(ge=0, le=10, description="Modules around the code; cameras want four.")]
Colour = Annotated[str, Query(min_length=3, max_length=7)]
Level = Literal["L", "M", "Q", "H"]


@router.get("/links/{link_id:ulid}/stats", responses=problems(NotFound, InvalidRequest))
async def get_stats(link_id: str, asked: Annotated[StatsParams, Query()], caller: Reader, ports: Bound) -> StatsOut:
    """What was counted of a link: totals, a series, and shares by one facet."""
    found = actions.stats(ports, link_id, asked.since, asked.until, asked.bucket, asked.by, caller=caller)
    shares = found.breakdown
    return StatsOut(
        link_id=found.link_id,
        since=found.since,
        until=found.until,
        bucket=asked.bucket,
        clicks=sum(bar.clicks for bar in found.bars),
        bots=sum(bar.bots for bar in found.bars),
        uniques=found.uniques,
        series=[BarOut(start=bar.start, clicks=bar.clicks, bots=bar.bots) for bar in found.bars],
        breakdown=None if shares is None else [ShareOut(value=value, clicks=count) for value, count in shares],
    )


@router.get("/links/{link_id:ulid}/clicks", responses=problems(NotFound, InvalidRequest, InvalidCursor))
async def list_clicks(
    link_id: str, asked: Annotated[ClickParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[ClickOut]:
    """The single clicks of the last 30 days, the last first. A page is of one day, so it may be a short one."""
    route = f"GET {PREFIX}/links/{link_id}/clicks"
    state = keys.state(caller, route, asked, asked.cursor)
    after = (state["day"], state["click"]) if state else None
    rows, following = actions.clicks(ports, link_id, asked.limit, after, caller=caller)
    shown = [
        ClickOut(id=row.sk, at=row.at, is_bot=bool(row.is_bot), **raw_facets(row))  # type: ignore[arg-type]
        for row in rows
    ]
    state = {"day": following[0], "click": following[1]} if following else None
    return Page(items=shown, next=keys.cursor(caller, route, asked, state))


@router.get(
    "/links/{link_id:ulid}/qr.svg",
    response_class=Response,
    responses={
        200: {"description": "The drawing.", "content": {"image/svg+xml": {"schema": {"type": "string"}}}},
        304: {"description": "You have it."},
        **problems(NotFound, InvalidRequest),
    },
)
async def get_qr(
    link_id: str,
    caller: Reader,
    ports: Bound,
    size: Size = 8,
    margin: Margin = 4,
    ec: Level = "M",
    dark: Colour = "000000",
    light: Colour = "ffffff",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The short link as a code for cameras. It never changes, as the code of a link never does."""
    drawing = qr.Drawing(size, margin, ec, qr.colour(dark, "dark"), qr.colour(light, "light"))
    qr.check_contrast(drawing.dark, drawing.light)
    link = ports.links.get(caller.owner_id, link_id)
    text = short_url(link, ports.settings.base)
    headers = {"ETag": drawing.etag(text), "Cache-Control": "private, max-age=31536000, immutable"}
    if headers["ETag"] in (if_none_match or ""):
        return Response(status_code=304, headers=headers)
    return Response(qr.draw(text, drawing), headers=headers, media_type="image/svg+xml")


@router.get("/orphans", responses=problems(NotFound, InvalidRequest, InsufficientScope))
async def list_orphans(asked: Annotated[OrphanParams, Query()], caller: Reader, ports: Bound) -> OrphansOut:
    """Hits on codes that there are not, by day: what was mistyped, or printed and deleted since."""
    found = actions.orphans(ports, asked.domain, asked.last, caller=caller)
    days = [
        OrphanDay(
            day=one.day,
            hits=one.hits,
            bots=one.bots,
            codes=[ShareOut(value=value, clicks=count) for value, count in one.codes],
        )
        for one in found
    ]
    return OrphansOut(items=days)
