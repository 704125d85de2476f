from typing import Annotated

from fastapi import Query, Response

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey
from tessera.idempotency import IdempotencyMismatch
from tessera.jobs import JobOver
from tessera.problems import Busy, Gone, InvalidRequest, NotFound, Unavailable
from tessera.types import Page

from ..actions import ask, manage, presets
from ..rules.outputs import DEFAULT_PRESET, Spec
from ..rules.problems import FileNotClean, NothingToRetry, refused
from ..schemas.jobs import JobIn, JobParams, JobSummaryOut, MediaJobOut, PageParams, RedriveIn, RedriveOut
from .given import PREFIX, TAGS, Bound, Keys, Manager, Reader, Writer, job_out

router = Router(prefix=PREFIX, tags=TAGS)


@router.post(
    "/jobs",
    status_code=202,
    responses={
        200: {"model": MediaJobOut, "description": "There is such a job of this version, and it has ended."},
        **problems(NotFound, FileNotClean, InvalidRequest, IdempotencyMismatch, Gone, Unavailable, Busy),
    },
)
async def create_job(
    body: JobIn, response: Response, caller: Writer, ports: Bound, keys: Keys, key: IdempotencyKey = None
) -> MediaJobOut:
    """Have pictures made of a file of yours. The same outputs of the same version are made once."""
    intent = keys.intent(key, caller, "POST /media/jobs", body)
    if body.outputs is None:
        name = body.preset or DEFAULT_PRESET
        specs, _ = _preset(ports, name)
    else:
        name, specs = "", tuple(output.spec(body.focus) for output in body.outputs)
    if len({spec.hash for spec in specs}) < len(specs):
        raise refused("/outputs", "Two of these would be the same picture.")
    view, was_there = ask.create(ports, body.file_id, specs, name, intent, by=caller)
    response.headers["Location"] = f"{PREFIX}/jobs/{view.job.id}"
    if was_there and not view.job.is_open:
        response.status_code = 200
    return job_out(ports, view)


@router.get("/jobs", responses=problems(InvalidCursor))
async def list_jobs(
    asked: Annotated[JobParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[JobSummaryOut]:
    """Your jobs, the newest first; those of a file by version, presets first. A page may be short."""
    route = f"GET {PREFIX}/jobs"
    state = keys.state(caller, route, asked, asked.cursor)
    after = state["after"] if state else None
    page = manage.listed(ports, caller.owner_id, asked.state, asked.file_id, asked.limit, after)
    following = keys.cursor(caller, route, asked, {"after": page.next} if page.next else None)
    return Page(items=[JobSummaryOut.of(job) for job in page.jobs], next=following)


@router.get("/jobs/{job_id:ulid}", responses=problems(NotFound))
async def get_job(job_id: str, caller: Reader, ports: Bound) -> MediaJobOut:
    """One job: how far it has come, and where its pictures are."""
    return job_out(ports, manage.get(ports, job_id, caller.owner_id))


@router.post("/jobs/{job_id:ulid}/retry", status_code=202, responses=problems(NotFound, NothingToRetry, Busy))
async def retry_job(job_id: str, caller: Writer, ports: Bound) -> MediaJobOut:
    """Try once more what has failed; what is done stays."""
    view = manage.get(ports, job_id, caller.owner_id)
    return job_out(ports, manage.retry(ports, view))


@router.post("/jobs/{job_id:ulid}/cancel", responses=problems(NotFound, JobOver, Busy))
async def cancel_job(job_id: str, caller: Writer, ports: Bound) -> MediaJobOut:
    """Stop a job where it is. Asking for the same outputs again lets it go on."""
    view = manage.get(ports, job_id, caller.owner_id)
    return job_out(ports, manage.cancel(ports, view))


@router.get("/dead-letters", responses=problems(InvalidCursor))
async def dead_letters(
    asked: Annotated[PageParams, Query()], caller: Manager, ports: Bound, keys: Keys
) -> Page[JobSummaryOut]:
    """Jobs of which something failed, whoever's, the latest first."""
    route = f"GET {PREFIX}/dead-letters"
    state = keys.state(caller, route, asked, asked.cursor)
    jobs, after = ports.jobs.dead(asked.limit, state["after"] if state else None)
    following = keys.cursor(caller, route, asked, {"after": after} if after else None)
    return Page(items=[JobSummaryOut.of(job) for job in jobs], next=following)


@router.post("/dead-letters/redrive", status_code=202, responses=problems(InvalidRequest))
async def redrive(body: RedriveIn, caller: Manager, ports: Bound) -> RedriveOut:
    """Retry failed jobs; without ids also what the queues gave up on."""
    jobs, messages = manage.redrive(ports, body.ids, body.limit)
    return RedriveOut(jobs=jobs, messages=messages)


def _preset(ports: Bound, name: str) -> tuple[tuple[Spec, ...], int]:
    try:
        return presets.get(ports, name)
    except NotFound:
        raise refused("/preset", "There is no such preset.") from None
