"""Long work as a resource: a row in the capability's own table that says how far it has come.

    Problem
    ├── JobOver            409 job-over             it has ended, so it cannot be cancelled
    └── JobNotCancellable  409 job-not-cancellable  stopping halfway would leave it worse than finishing

A 202 names `/{capability}/jobs/{id}`; the worker reports with `progress`, which also tells it when
somebody has cancelled. Reporting twice is harmless: figures are absolute, and an ended job stays so.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock, idempotency, ids
from tessera.idempotency import Intent
from tessera.problems import NotFound, Problem
from tessera.settings import Bindings, Settings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, putting

KEPT = timedelta(days=7)
MAX_ERRORS = 100


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PARTIAL = "partial"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


class JobOver(Problem):
    status, slug, title = 409, "job-over", "The job has ended"


class JobNotCancellable(Problem):
    status, slug, title = 409, "job-not-cancellable", "This job cannot be cancelled"


class JobRow(Row):
    kind = UnicodeAttribute()
    state = UnicodeAttribute()
    done = NumberAttribute(default=0)
    total = NumberAttribute(null=True)
    cancellable = NumberAttribute(default=0)
    result = UnicodeAttribute(null=True)
    errors = UnicodeAttribute(null=True)
    problem = UnicodeAttribute(null=True)


@dataclass(frozen=True)
class Job:
    id: str
    owner_id: str
    kind: str
    state: JobState = JobState.QUEUED
    done: int = 0
    total: int | None = None
    cancellable: bool = False
    result: dict[str, Any] | None = None
    errors: tuple[dict[str, Any], ...] = ()
    problem: dict[str, Any] | None = None


class _JobsSettings(Settings):
    table: str


class Jobs:
    """The jobs of one capability."""

    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(_JobsSettings).table))

    def starting(
        self, owner_id: str, kind: str, *, total: int | None = None, cancellable: bool = False
    ) -> tuple[Job, Step]:
        """A new job, and the step that keeps it, for the transaction that decides on the work."""
        job = Job(ids.new(), owner_id, kind, total=total, cancellable=cancellable)
        return job, putting(self.table, _row(job))

    def start(
        self,
        owner_id: str,
        kind: str,
        intent: Intent,
        *more: Step,
        total: int | None = None,
        cancellable: bool = False,
    ) -> tuple[Job, bool]:
        """The job of this request with whatever else belongs to it, and whether it was asked for before.

        1 transaction. Raises `IdempotencyMismatch`, `Gone`.
        """
        row = _row(Job(intent.id, owner_id, kind, total=total, cancellable=cancellable))
        made = idempotency.create(self.table, row, intent, *more)
        return _job(made.row), made.replayed

    def asked_before(self, owner_id: str, intent: Intent) -> Job | None:
        """The job that this request has started before. 1 or 2 reads. Raises `IdempotencyMismatch`, `Gone`."""
        row = idempotency.asked_before(self.table, JobRow, jobs_of(owner_id), intent.id, intent)
        return None if row is None else _job(row)

    def get(self, owner_id: str, job_id: str) -> Job:
        """1 read unit. Raises `NotFound`, also for the job of somebody else."""
        found = self.find(owner_id, job_id)
        if found is None:
            raise NotFound("There is no such job.")
        return found

    def find(self, owner_id: str, job_id: str) -> Job | None:
        """As `get`, and None for a job that is not there: it may have gone with whoever asked for it. 1 read unit."""
        row = self.table.get(JobRow, jobs_of(owner_id), job_id)
        return None if row is None else _job(row)

    def progress(self, job: Job, done: int) -> Job:
        """Say how much is done, and learn whether to go on: the answer is the job as it is now. 1 write unit."""
        changes = {"state": JobState.RUNNING.value, "done": done}
        return self._change(job, _is_open(), changes)

    def finish(self, job: Job, *, result: dict[str, Any] | None = None, errors: Sequence[dict[str, Any]] = ()) -> Job:
        """Done, or `partial` when some of it went wrong."""
        changes: dict[str, Any] = {"state": (JobState.PARTIAL if errors else JobState.DONE).value}
        if job.total is not None:
            changes["done"] = job.total
        if result is not None:
            changes["result"] = json.dumps(result)
        if errors:
            changes["errors"] = json.dumps(list(errors)[:MAX_ERRORS])
        return self._change(job, _is_open(), changes)

    def fail(self, job: Job, problem: Problem) -> Job:
        document = json.dumps(problem.document())
        return self._change(job, _is_open(), {"state": JobState.FAILED.value, "problem": document})

    def cancel(self, owner_id: str, job_id: str) -> Job:
        """Stop it at its next report. Raises `NotFound`, `JobOver` or `JobNotCancellable`."""
        job = self.get(owner_id, job_id)
        if job.state is JobState.CANCELLED:
            return job
        if not job.state.is_over and not job.cancellable:
            raise JobNotCancellable("It ends by itself; look at it again in a moment.")
        now = self._change(job, _is_open(), {"state": JobState.CANCELLED.value})
        if now.state is not JobState.CANCELLED:
            raise JobOver(f"The job is {now.state.value} already.")
        return now

    def _change(self, job: Job, only_if: Condition, changes: dict[str, Any]) -> Job:
        actions = [Path(name).set(value) for name, value in {**changes, "ttl": _expiry()}.items()]
        try:
            return _job(self.table.update(JobRow, jobs_of(job.owner_id), job.id, *actions, only_if=only_if))
        except ConditionFailed as failed:
            if failed.old is None:
                raise NotFound("There is no such job.") from None
            return _job(failed.old)


def jobs_of(owner_id: str) -> str:
    """The partition of an owner's jobs: for erasing them."""
    return f"JOBS#{owner_id}"


def _row(job: Job) -> JobRow:
    row = JobRow(pk=jobs_of(job.owner_id), sk=job.id, kind=job.kind, state=job.state.value, total=job.total)
    row.cancellable, row.ttl = int(job.cancellable), _expiry()
    return row


def _is_open() -> Condition:
    state = Path("state")
    return (state == JobState.QUEUED.value) | (state == JobState.RUNNING.value)  # type: ignore[no-any-return]


def _expiry() -> int:
    return int((clock.now() + KEPT).timestamp())


def _job(row: JobRow) -> Job:
    return Job(
        id=row.sk,
        owner_id=row.pk.partition("#")[2],
        kind=row.kind,
        state=JobState(row.state),
        done=int(row.done),
        total=None if row.total is None else int(row.total),
        cancellable=bool(row.cancellable),
        result=json.loads(row.result) if row.result else None,
        errors=tuple(json.loads(row.errors)) if row.errors else (),
        problem=json.loads(row.problem) if row.problem else None,
    )
