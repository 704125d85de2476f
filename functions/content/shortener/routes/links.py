import hashlib
import re
from collections.abc import Mapping
from typing import Annotated

from fastapi import Query, Request, Response

from tessera import clock, csvio
from tessera.auth.principal import Principal
from tessera.auth.problems import CredentialsMissing, InsufficientScope, RateLimited
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, IfMatch, required_version, show_created, show_version
from tessera.etags import StaleVersion, VersionRequired, expected_version
from tessera.idempotency import IdempotencyMismatch, Intent
from tessera.problems import Busy, FieldError, Gone, InvalidRequest, NotFound, PayloadTooLarge, Problem
from tessera.types import Page

from ..actions import create as creating
from ..actions import manage
from ..ports import Ports
from ..rules.problems import AliasTaken, DomainForbidden, LinkBlocked, URLRefused
from ..schemas.links import BulkIn, BulkOut, BulkRow, LinkIn, LinkOut, LinkParams, LinkPatch, SheetIn
from .given import PREFIX, TAGS, Address, Bound, Keys, Reader, Somebody, Writer

router = Router(prefix=PREFIX, tags=TAGS)
LINKS = f"{PREFIX}/links"
MAX_SHEET_BYTES, MAX_ROWS = 1_000_000, 100
# As others call what we take over. Their counts of clicks cannot be checked and are left behind.
COLUMNS = (
    csvio.Column(
        "url", required=True, aliases=("long_url", "target", "destination", "destination_url", "original_url")
    ),
    csvio.Column("alias", aliases=("keyword", "short_code", "slug", "back_half", "custom_code", "address", "key")),
    csvio.Column("title"),
    csvio.Column("tags"),
)


@router.post(
    "/links",
    status_code=201,
    responses={
        200: {"description": "A link of yours that leads there already.", "model": LinkOut},
        **problems(
            InvalidRequest,
            CredentialsMissing,
            InsufficientScope,
            URLRefused,
            AliasTaken,
            DomainForbidden,
            IdempotencyMismatch,
            Gone,
            RateLimited,
            Busy,
        ),
    },
)
async def create_link(
    body: LinkIn,
    response: Response,
    caller: Somebody,
    ports: Bound,
    keys: Keys,
    address: Address,
    key: IdempotencyKey = None,
) -> LinkOut:
    """Make a short link."""
    _may_create(ports, caller)
    made = _create(ports, body, caller, keys.intent(key, caller, f"POST {LINKS}", body), address)
    show_created(response, location=f"{LINKS}/{made.link.id}", version=made.link.version, replayed=made.replayed)
    if made.existed and not made.replayed:
        response.status_code = 200
    return LinkOut.of(made.link, ports.settings.base, clock.now())


@router.post("/links/bulk", responses=problems(InvalidRequest))
async def create_links(
    body: BulkIn, caller: Writer, ports: Bound, keys: Keys, address: Address, key: IdempotencyKey = None
) -> BulkOut:
    """Make up to 100 links, each for itself. Asked again with the same key, none is made twice."""
    intent = keys.intent(key, caller, f"POST {LINKS}/bulk", body)
    rows = [(number, link) for number, link in enumerate(body.links, start=1)]
    return BulkOut(results=_rows(ports, rows, caller, key, intent, address))


@router.post(
    "/links/import",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"text/csv": {"schema": {"type": "string", "maxLength": MAX_SHEET_BYTES}}},
        }
    },
    responses=problems(InvalidRequest, csvio.BadCSV, PayloadTooLarge),
)
async def import_links(
    request: Request, caller: Writer, ports: Bound, keys: Keys, address: Address, key: IdempotencyKey = None
) -> BulkOut:
    """Make up to 100 links from a CSV file as Bitly, YOURLS, Shlink, Kutt and Dub export it."""
    content = await request.body()
    if len(content) > MAX_SHEET_BYTES:
        raise PayloadTooLarge(f"The file may hold {MAX_SHEET_BYTES:,} bytes.")
    sheet = csvio.read(content, COLUMNS, limits=csvio.Limits(MAX_SHEET_BYTES, rows=MAX_ROWS))
    found, faults = csvio.convert(sheet.rows, _link_of_cells)
    intent = keys.intent(key, caller, f"POST {LINKS}/import", SheetIn(sha256=hashlib.sha256(content).hexdigest()))
    made = _rows(ports, [(row.number, link) for row, link in found], caller, key, intent, address)
    for fault in (*sheet.faults, *faults):
        problem = InvalidRequest(f"Look at row {fault.row}.", errors=[FieldError(fault.column, fault.detail)])
        made.append(_refused(fault.row, problem))
    return BulkOut(results=sorted(made, key=lambda row: row.row)[:MAX_ROWS])


@router.get("/links", responses=problems(InvalidRequest, InvalidCursor))
async def list_links(asked: Annotated[LinkParams, Query()], caller: Reader, ports: Bound, keys: Keys) -> Page[LinkOut]:
    """Your links, the newest first; by their codes where `q` names how they begin."""
    route = f"GET {LINKS}"
    state = keys.state(caller, route, asked, asked.cursor)
    found, after = manage.listed(
        ports,
        asked.limit,
        state["after"] if state else None,
        tag=asked.tag,
        domain=asked.domain,
        prefix=asked.q,
        state=asked.state,
        by=caller,
    )
    following = keys.cursor(caller, route, asked, {"after": after} if after else None)
    now = clock.now()
    return Page(items=[LinkOut.of(link, ports.settings.base, now) for link in found], next=following)


@router.get("/links/{link_id:ulid}", responses=problems(NotFound))
async def get_link(link_id: str, response: Response, caller: Reader, ports: Bound) -> LinkOut:
    """One link, with its clicks so far."""
    link, counts = manage.get(ports, link_id, by=caller)
    show_version(response, link.version)
    return LinkOut.of(link, ports.settings.base, clock.now(), counts)


@router.patch(
    "/links/{link_id:ulid}",
    responses=problems(NotFound, StaleVersion, VersionRequired, InvalidRequest, URLRefused, LinkBlocked),
)
async def change_link(
    link_id: str, body: LinkPatch, response: Response, caller: Writer, ports: Bound, if_match: IfMatch = None
) -> LinkOut:
    """Change a link. It is so everywhere within half a minute."""
    link = manage.change(ports, link_id, body.fields(), required_version(if_match), by=caller)
    show_version(response, link.version)
    return LinkOut.of(link, ports.settings.base, clock.now())


@router.delete("/links/{link_id:ulid}", status_code=204, responses=problems(NotFound, StaleVersion))
async def delete_link(link_id: str, caller: Writer, ports: Bound, if_match: IfMatch = None) -> None:
    """Delete a link for good. Nobody gets its code for a year."""
    manage.delete(ports, link_id, expected_version(if_match, required=False), by=caller)


def _may_create(ports: Ports, caller: Principal) -> None:
    if caller.kind == "anonymous":
        if ports.settings.short_links != "anyone":
            raise CredentialsMissing()
        return
    caller.require("shortener:write")


def _create(ports: Ports, body: LinkIn, caller: Principal, intent: Intent, address: str) -> creating.Made:
    return creating.create(
        ports,
        body.fields(),
        alias=body.alias,
        return_existing=body.if_exists == "return",
        by=caller,
        intent=intent,
        address=address,
    )


def _rows(
    ports: Ports, rows: list[tuple[int, LinkIn]], caller: Principal, key: str | None, intent: Intent, address: str
) -> list[BulkRow]:
    """Each for itself: one that is refused stops no other."""
    results, now = [], clock.now()
    for number, link in rows:
        try:
            made = _create(ports, link, caller, creating.row_intent(key or "", intent, number), address)
        except Problem as problem:
            results.append(_refused(number, problem))
            continue
        shown = LinkOut.of(made.link, ports.settings.base, now)
        results.append(BulkRow(row=number, status=200 if made.existed else 201, link=shown))
    return results


def _refused(number: int, problem: Problem) -> BulkRow:
    return BulkRow(row=number, status=problem.status, problem=problem.document())


def _link_of_cells(cells: Mapping[str, str]) -> LinkIn:
    """Raises `ValidationError`."""
    tags = [tag.strip() for tag in re.split(r"[|,;]", cells.get("tags", "")) if tag.strip()]
    optional = {name: cells[name].strip() for name in ("alias", "title") if cells.get(name, "").strip()}
    return LinkIn.model_validate({"url": cells["url"].strip(), "tags": tags, **optional})
