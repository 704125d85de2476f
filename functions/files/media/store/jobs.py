"""Jobs: made once for each version and set of outputs, begun, cancelled, brought back, moved on to a new version."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock, idempotency
from tessera.expressions import is_new
from tessera.idempotency import Intent
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Key, Table
from tessera.transact import Step, deleting, putting, transact, updating

from ..config import MediaSettings
from ..rules.jobs import CANCELLED, OPEN, QUEUED, RUNNING, WAITING, Job, JobView
from ..rules.jobs import FAILED as OUTPUT_FAILED
from .rows import (
    DEAD,
    MAIN,
    META,
    JobRow,
    LinkRow,
    OutputRow,
    PartRow,
    file_pk,
    in_state,
    job_of,
    job_pk,
    job_row,
    link_pk,
    link_row,
    output_sk,
    owned,
    place,
    view_of,
)


class Moved(Exception):
    """Somebody else wrote first. `now` is the job as it stands, or None when it is gone."""

    def __init__(self, now: Job | None) -> None:
        super().__init__("The job is not as it was read.")
        self.now = now


class Taken(Exception):
    """There is a job of this version and these outputs already."""

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id)
        self.job_id = job_id


@dataclass(frozen=True)
class Page:
    jobs: list[Job]
    next: Key | None


class JobStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(MediaSettings).table))

    def create(self, job: Job, intent: Intent, *more: Step) -> tuple[Job, bool]:
        """The job as it stands, and whether an earlier request with the same key had made it.

        1 request, 4 units and one for each of three indexes. Raises `Taken`, `IdempotencyMismatch`.
        """
        link = putting(self.table, link_row(job), only_if=is_new(), refused=lambda old: Taken(old.job_id))
        made = idempotency.create(self.table, job_row(job), intent, link, *more)
        return job_of(made.row), made.replayed

    def find(self, job_id: str) -> Job | None:
        """1 read unit."""
        row = self.table.get(JobRow, job_pk(job_id), META)
        return job_of(row) if row else None

    def view(self, job_id: str) -> JobView | None:
        """A job with its outputs: 1 request, 1 read unit per 4 KB."""
        return view_of(self.table.query(PartRow, job_pk(job_id), consistent=True).rows)

    def listed(self, owner_id: str, state: str | None, limit: int, after: Key | None) -> Page:
        """An owner's jobs, the newest first: 2 requests."""
        partition, index = (in_state(owner_id, state), "gs2") if state else (owned(owner_id), "gs3")
        return self._page(partition, index, limit, after)

    def of_file(self, file_id: str, limit: int, after: Key | None = None, *, only: Condition | None = None) -> Page:
        """The jobs of a file, the newest version first, and those of presets above the others. 2 requests."""
        return self._page(file_pk(file_id), "gs1", limit, after, only)

    def thumbnails(self, file_id: str, n: int) -> str | None:
        """The id of the newest job of a preset for this version. 1 request."""
        sort = Path("gs1_sk").startswith(place(n, "preset", ""))
        page = self.table.query(LinkRow, file_pk(file_id), sort=sort, index="gs1", limit=1, newest_first=True)
        return page.rows[0].job_id if page.rows else None

    def dead(self, limit: int, after: Key | None) -> tuple[list[Job], Key | None]:
        """Jobs of which something failed, the latest first. 1 request."""
        page = self.table.query(JobRow, DEAD, index="gs2", limit=limit, after=after, newest_first=True)
        return [job_of(row) for row in page.rows], page.next

    def begin(self, job: Job) -> Job:
        """Count one more try. 1 request. Raises `Moved` for a job that is not open, or of another version now."""
        changes = [Path("attempts").add(1), Path("updated_at").set(_now())]
        if job.state == QUEUED:
            # A job of another version by now has another link, which refuses it.
            turn = Path("state") == QUEUED
            step = self._job_step(job, *changes, Path("state").set(RUNNING), only_if=turn)
            try:
                transact(step, self.link_state(job, RUNNING))
                return replace(job, state=RUNNING, attempts=job.attempts + 1)
            except Moved as found:
                # Another worker has begun with other outputs of it.
                if found.now is None or found.now.state != RUNNING:
                    raise
        only_if = (Path("state") == RUNNING) & (Path("etag") == job.etag)
        try:
            return job_of(self.table.update(JobRow, job_pk(job.id), META, *changes, only_if=only_if))
        except ConditionFailed as failed:
            raise moved(failed.old) from None

    def end(self, job: Job, only_if: Condition, state: str) -> None:
        """Another state of a job, here and where it is listed. 1 request, 4 units and the indexes. Raises `Moved`."""
        changes = [Path("state").set(state), Path("updated_at").set(_now())]
        transact(self._job_step(job, *changes, only_if=only_if), self.link_state(job, state))

    def cancel(self, job: Job) -> None:
        """Raises `Moved` unless it is open, as it was read."""
        # As above, its link holds the version.
        self.end(job, _is_open(), CANCELLED)

    def reopen(self, job: Job) -> None:
        """Let a cancelled job go on. Raises `Moved`."""
        turn = Path("state") == CANCELLED
        changes = [Path("state").set(QUEUED), Path("attempts").set(0), Path("updated_at").set(_now())]
        transact(self._job_step(job, *changes, only_if=turn), self.link_state(job, QUEUED))

    def retry(self, view: JobView) -> None:
        """Put what has failed back into the queue: 1 request. Raises `Moved`."""
        job = view.job
        failed = [output for output in view.outputs if output.state == OUTPUT_FAILED]
        # No output fails, and none is put back, without another version of the job.
        turn = Path("version") == job.version
        changes = [
            Path("state").set(QUEUED),
            Path("failed").set(job.failed - len(failed)),
            Path("attempts").set(0),
            Path("updated_at").set(_now()),
            Path("gs2_pk").remove(),
            Path("gs2_sk").remove(),
        ]
        back = [
            updating(
                self.table,
                OutputRow,
                job_pk(job.id),
                output_sk(output.spec),
                Path("state").set(WAITING),
                Path("error").remove(),
                refused=Moved(job),
            )
            for output in failed
        ]
        transact(self._job_step(job, *changes, only_if=turn), self.link_state(job, QUEUED), *back)

    def restart(self, job: Job, n: int, etag: str) -> bool:
        """Begin anew with another version of the file; False when that has a job of its own. 1 request.

        Outputs of the version before count no more, because they name it. Raises `Moved`.
        """
        now = _now()
        turn = _is_open() & (Path("etag") == job.etag)
        changes = [
            Path("etag").set(etag),
            Path("n").set(n),
            Path("state").set(QUEUED),
            Path("done").set(0),
            Path("failed").set(0),
            Path("attempts").set(0),
            Path("source").remove(),
            Path("updated_at").set(now),
            Path("gs2_pk").remove(),
            Path("gs2_sk").remove(),
        ]
        again = replace(job, n=n, etag=etag, state=QUEUED)
        old = deleting(self.table, LinkRow, link_pk(job.file_id, job.etag, job.specs), MAIN)
        new = putting(self.table, link_row(again), only_if=is_new(), refused=lambda old: Taken(old.job_id))
        try:
            transact(self._job_step(job, *changes, only_if=turn), old, new)
        except Taken:
            return False
        return True

    def link_state(self, job: Job, state: str) -> Step:
        """The step that keeps the lists in step with the job."""
        changes = [Path("state").set(state), Path("gs2_pk").set(in_state(job.owner_id, state))]
        pk = link_pk(job.file_id, job.etag, job.specs)
        return updating(self.table, LinkRow, pk, MAIN, *changes, refused=Moved(None))

    def _job_step(self, job: Job, *changes: object, only_if: Condition) -> Step:
        made: Step = updating(self.table, JobRow, job_pk(job.id), META, *changes, only_if=only_if, refused=moved)  # type: ignore[arg-type]
        return made

    def _page(self, partition: str, index: str, limit: int, after: Key | None, only: Condition | None = None) -> Page:
        page = self.table.query(LinkRow, partition, index=index, limit=limit, after=after, newest_first=True, only=only)
        return Page(self._jobs([row.job_id for row in page.rows]), page.next)

    def _jobs(self, job_ids: Sequence[str]) -> list[Job]:
        keys = [(job_pk(job_id), META) for job_id in job_ids]
        return [job_of(row) for row in self.table.get_many(JobRow, keys, consistent=True)] if keys else []


def moved(old: JobRow | None) -> Moved:
    return Moved(job_of(old) if old is not None and not old.gone else None)


def _is_open() -> Condition:
    state = Path("state")
    return (state == OPEN[0]) | (state == OPEN[1])  # type: ignore[no-any-return]


def _now() -> str:
    return clock.rfc3339(clock.now())
