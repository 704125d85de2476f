"""`/{capability}/jobs/{id}`, the same for every capability that has long work to do."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Response
from pydantic import Field

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry.bound import bound
from tessera.entry.paths import problems
from tessera.entry.routing import Router
from tessera.jobs import Job, JobNotCancellable, JobOver, Jobs, JobState
from tessera.problems import NotFound
from tessera.types import Out, Ulid


class JobOut(Out):
    id: Ulid
    kind: Annotated[str, Field(max_length=100)]
    state: JobState
    done: int
    total: int | None = None
    result: dict[str, Any] | None = None
    errors: Annotated[list[dict[str, Any]], Field(max_length=100, default_factory=list)]
    problem: dict[str, Any] | None = None

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        told = {name: getattr(job, name) for name in ("id", "kind", "state", "done", "total", "result", "problem")}
        return cls(**told, errors=list(job.errors))


def job_location(capability: str, job: Job) -> str:
    return f"/{capability}/jobs/{job.id}"


def show_accepted(response: Response, capability: str, job: Job, *, replayed: bool = False) -> JobOut:
    """What a 202 carries."""
    response.status_code = 202
    if replayed:
        response.headers["Idempotent-Replay"] = "true"
    response.headers["Location"] = job_location(capability, job)
    return JobOut.of(job)


def _owner(caller: Principal) -> str:
    return caller.owner_id


def jobs_router(capability: str, *, read: str, write: str, whose: Callable[[Principal], str] = _owner) -> Router:
    """Looking at a job needs the permission `read`, cancelling it `write`; both are the owner's alone.

    `whose` says under which id a caller's jobs are kept, where that is not whoever they act for.
    """
    router = Router(prefix=f"/{capability}/jobs", tags=[capability])
    name = capability.replace("-", "_")
    may_read = Annotated[Principal, auth.require(read)]
    may_write = Annotated[Principal, auth.require(write)]
    own = Annotated[Jobs, bound(Jobs)]

    @router.get("/{job_id:ulid}", operation_id=f"{name}_job", responses=problems(NotFound))
    async def job(job_id: str, caller: may_read, jobs: own) -> JobOut:
        """How far a job has come."""
        return JobOut.of(jobs.get(whose(caller), job_id))

    @router.post(
        "/{job_id:ulid}/cancel",
        operation_id=f"{name}_cancel_job",
        responses=problems(NotFound, JobOver, JobNotCancellable),
    )
    async def cancel(job_id: str, caller: may_write, jobs: own) -> JobOut:
        """Stop a job that can be stopped."""
        return JobOut.of(jobs.cancel(whose(caller), job_id))

    return router
