"""Users from a file, and the jobs of `admin`."""

from typing import Annotated

from fastapi import Response

from tessera.auth.principal import Principal
from tessera.csvio import BadCSV
from tessera.entry import Router
from tessera.entry.headers import IdempotencyKey
from tessera.entry.jobs import JobOut, show_accepted
from tessera.idempotency import IdempotencyMismatch
from tessera.jobs import JobNotCancellable, JobOver
from tessera.problems import Gone, InvalidRequest, NotFound

from ..actions import imports as actions
from ..rules import UploadMissing
from ..schemas.people import ImportIn, UploadIn, UploadOut
from .shared import PREFIX, TAGS, Bound, By, Keys, problems, staff

router = Router(prefix=PREFIX, tags=TAGS)

Importer = Annotated[Principal, staff("accounts:manage", rate="expensive")]
Worker = Annotated[Principal, staff("admin:read")]


@router.post("/users/uploads", status_code=201, responses=problems())
async def create_upload(body: UploadIn, caller: Importer, ports: Bound) -> UploadOut:
    """Where to put a file of users, for a quarter of an hour."""
    made = actions.upload(ports, body.format)
    return UploadOut(upload_id=made.id, url=made.url, media_type=made.media_type)


@router.post(
    "/users/import",
    status_code=202,
    responses=problems(UploadMissing, BadCSV, InvalidRequest, IdempotencyMismatch, Gone),
)
async def import_users(
    body: ImportIn,
    response: Response,
    caller: Importer,
    ports: Bound,
    by: By,
    keys: Keys,
    key: IdempotencyKey = None,
) -> JobOut:
    """Make users from CSV or NDJSON, each row for itself; with the hashes that another system has kept."""
    intent = keys.intent(key, caller, "POST /admin/users/import", body)
    job, replayed = actions.start(
        ports, body.format, upload_id=body.upload_id, content=body.content, intent=intent, asker=by
    )
    return show_accepted(response, "admin", job, replayed=replayed)


@router.get("/jobs/{job_id:ulid}", responses=problems(NotFound))
async def job(job_id: str, caller: Worker, ports: Bound) -> JobOut:
    """How far a job has come."""
    return JobOut.of(ports.jobs.get(caller.owner_id, job_id))


@router.post("/jobs/{job_id:ulid}/cancel", responses=problems(NotFound, JobOver, JobNotCancellable))
async def cancel_job(job_id: str, caller: Worker, ports: Bound) -> JobOut:
    """Stop a job that can be stopped."""
    return JobOut.of(ports.jobs.cancel(caller.owner_id, job_id))
