"""What reaches `media` other than HTTP: files that have become clean or were deleted, and the work it sends itself."""

from tessera.jobs import Job
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On, worker
from tessera.types import Model

from .actions import ask, presets, purge, queue, work
from .ports import Ports
from .sources import Source


class FileClean(Model):
    file_id: str
    owner_id: str
    n: int
    media_type: str
    size: int
    etag: str


class FileDeleted(Model):
    file_id: str
    owner_id: str


class JobToDo(Model):
    job_id: str
    looks: int = 0


class FileToLookAt(Model):
    file_id: str
    owner_id: str


class Backfill(Model):
    owner_id: str
    job_id: str
    preset: str
    shard: int
    after: str | None = None
    done: int = 0


def _clean(file: FileClean, received: Envelope, bindings: Bindings) -> None:
    # No record of seen events: what was noted of a version says whether there is anything to do.
    source = Source(file.file_id, file.owner_id, file.n, "clean", file.media_type, file.size, file.etag, None)
    ask.became_clean(bindings.get(Ports), source)


def _deleted(file: FileDeleted, received: Envelope, bindings: Bindings) -> None:
    purge.deleted(bindings.get(Ports), file.file_id, file.owner_id)


def _job(to_do: JobToDo, received: Envelope, bindings: Bindings) -> None:
    work.work(bindings.get(Ports), to_do.job_id, to_do.looks)


def _look(file: FileToLookAt, received: Envelope, bindings: Bindings) -> None:
    work.look(bindings.get(Ports), file.file_id, file.owner_id)


def _backfill(page: Backfill, received: Envelope, bindings: Bindings) -> None:
    job = Job(page.job_id, page.owner_id, presets.KIND)
    presets.go_on(bindings.get(Ports), job, page.preset, page.shard, page.after, page.done)


ENTRIES = Entries(
    events=[On("files.file.clean.v1", FileClean, _clean), On("files.file.deleted.v1", FileDeleted, _deleted)],
    jobs=[On(queue.JOB, JobToDo, _job), On(queue.LOOK, FileToLookAt, _look), On(queue.BACKFILL, Backfill, _backfill)],
)
handler = worker("media", ENTRIES)
