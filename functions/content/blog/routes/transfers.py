"""Posts as a file, out and in."""

from datetime import timedelta
from typing import Annotated

from fastapi import Query, Response

from tessera import auth, clock
from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.jobs import JobOut, show_accepted
from tessera.problems import Gone, InvalidRequest, NotFound, PayloadTooLarge
from tessera.types import Page

from ..actions import exporting, importing
from ..rules.arriving import MAX_FILE_BYTES, Unreadable
from ..rules.problems import UploadMissing
from ..schemas.transfers import DownloadOut, ImportIn, LineOut, ReportParams, UploadOut
from .shared import PREFIX, TAGS, Bound, Keys, Writer

router = Router(prefix=PREFIX, tags=TAGS)
Mover = Annotated[Principal, auth.require("blog:write", rate="expensive")]


@router.post("/export", status_code=202, responses=problems(Gone))
async def export_posts(response: Response, caller: Mover, ports: Bound) -> JobOut:
    """Have your own posts packed with their comments, whatever their state: Markdown with front matter, and JSON."""
    return show_accepted(response, "blog", exporting.start(ports, by=caller))


@router.get("/exports/{job_id:ulid}", responses=problems(NotFound))
async def get_export(job_id: str, caller: Writer, ports: Bound) -> DownloadOut:
    """Where to fetch a finished export, for a quarter of an hour; the file is there for 20 hours."""
    job, url, until = exporting.link(ports, job_id, by=caller)
    told = job.result or {}
    counted = {name: int(told.get(name, 0)) for name in ("posts", "comments", "size_bytes")}
    return DownloadOut(url=url, expires_at=until, **counted)


@router.post("/import/uploads", status_code=201, responses=problems())
async def create_upload(caller: Writer, ports: Bound) -> UploadOut:
    """Where to send a file to be imported, for a quarter of an hour."""
    upload_id, signed = importing.upload(ports, by=caller)
    return UploadOut(
        upload_id=upload_id,
        method="POST",
        url=signed.url,
        fields=signed.fields,
        max_bytes=MAX_FILE_BYTES,
        expires_at=clock.now() + timedelta(seconds=signed.seconds),
    )


@router.post(
    "/import",
    status_code=202,
    responses=problems(UploadMissing, Unreadable, PayloadTooLarge, InvalidRequest, InsufficientScope, Gone),
)
async def import_posts(body: ImportIn, response: Response, caller: Mover, ports: Bound) -> JobOut:
    """Import what this blog, Ghost or WordPress has exported, with its slugs, dates and comments."""
    return show_accepted(response, "blog", importing.start(ports, body.upload_id, by=caller))


@router.get("/imports/{upload_id:ulid}", responses=problems(NotFound, InvalidRequest, InvalidCursor))
async def get_import(
    upload_id: str, asked: Annotated[ReportParams, Query()], caller: Writer, ports: Bound, keys: Keys
) -> Page[LineOut]:
    """What became of each item, in the order of the file."""
    route = f"GET /blog/imports/{upload_id}"
    state = keys.state(caller, route, asked, asked.cursor)
    after = int(state["after"]) if state else 0
    found = importing.report(ports, upload_id, limit=asked.limit, after=after, by=caller)
    following = keys.cursor(caller, route, asked, {"after": found.items[-1].number} if found.rest else None)
    return Page[LineOut](items=[LineOut.of(one) for one in found.items], next=following)
