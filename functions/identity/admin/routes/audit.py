"""The audit log."""

from typing import Annotated

from fastapi import Query, Response

from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope
from tessera.cursors import InvalidCursor
from tessera.entry import Router
from tessera.entry.headers import IdempotencyKey
from tessera.entry.jobs import JobOut, show_accepted
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, InvalidRequest, NotFound
from tessera.types import Page

from ..actions import exports, seal, trail
from ..actions.seal import Verdict
from ..schemas.others import (
    AuditParams,
    DownloadOut,
    EntryOut,
    ExportIn,
    SealOut,
    VerdictOut,
    VerifyParams,
)
from ..store import Wanted
from .shared import PREFIX, TAGS, Bound, By, Keys, problems, staff

router = Router(prefix=f"{PREFIX}/audit", tags=TAGS)

Reader = Annotated[Principal, staff("admin:audit_read")]
Verifier = Annotated[Principal, staff("admin:audit_read", rate="expensive")]
Exporter = Annotated[Principal, staff("admin:audit_export", rate="expensive")]


@router.get("", responses=problems(InvalidRequest, InvalidCursor, InsufficientScope))
async def list_entries(
    asked: Annotated[AuditParams, Query()], caller: Reader, ports: Bound, by: By, keys: Keys
) -> Page[EntryOut]:
    """Entries, the newest first: of an actor, about a target, or day by day. Some see only their own."""
    route = "GET /admin/audit"
    wanted = Wanted(asked.actor, asked.target, asked.action, asked.outcome, asked.since, asked.until)
    state = keys.state(caller, route, asked, asked.cursor)
    rows, following = trail.page(ports, wanted, limit=asked.limit, state=state, asker=by)
    items = [EntryOut.model_validate(exports.shown(row)) for row in rows]
    return Page[EntryOut](items=items, next=keys.cursor(caller, route, asked, following))


@router.post("/export", status_code=202, responses=problems(InvalidRequest, IdempotencyMismatch, Gone))
async def export_entries(
    body: ExportIn,
    response: Response,
    caller: Exporter,
    ports: Bound,
    by: By,
    keys: Keys,
    key: IdempotencyKey = None,
) -> JobOut:
    """Write entries to a file, as CSV or NDJSON. That they were exported is an entry itself."""
    wanted = Wanted(body.actor, body.target, body.action, None, body.since, body.until)
    intent = keys.intent(key, caller, "POST /admin/audit/export", body)
    job, replayed = exports.start(ports, wanted, body.format, intent=intent, asker=by)
    return show_accepted(response, "admin", job, replayed=replayed)


@router.get("/exports/{job_id:ulid}", responses=problems(NotFound))
async def get_export(job_id: str, caller: Exporter, ports: Bound, by: By) -> DownloadOut:
    """Where the file of an export can be fetched, for a quarter of an hour."""
    job, url = exports.link(ports, job_id, asker=by)
    told = job.result or {}
    return DownloadOut.model_validate({"url": url, "entries": told.get("entries", 0), "format": told.get("format")})


@router.get("/verify", responses=problems(InvalidRequest, InsufficientScope))
async def verify(asked: Annotated[VerifyParams, Query()], caller: Verifier, ports: Bound, by: By) -> VerdictOut:
    """Look at every entry of a day again, its seal, and the day before; the first bad entry is named."""
    trail.all_of_it(by)
    return _verdict(seal.verify(ports, asked.day))


def _verdict(verdict: Verdict) -> VerdictOut:
    sealed = verdict.seal
    told = {name: getattr(sealed, name) for name in SealOut.model_fields} if sealed else None
    names = [name for name in VerdictOut.model_fields if name != "seal"]
    return VerdictOut.model_validate({**{name: getattr(verdict, name) for name in names}, "seal": told})
