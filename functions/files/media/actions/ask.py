"""Jobs are asked for: by their file's owner, by a file that has become clean, by a backfill."""

from collections.abc import Sequence

from tessera import clock, ids
from tessera.auth.principal import Principal
from tessera.idempotency import Intent
from tessera.problems import Busy, NotFound

from ..ports import Ports
from ..rules.codes import HEAVY_BYTES
from ..rules.jobs import CANCELLED, OPEN, QUEUED, Job, JobView, Wanted
from ..rules.kinds import has_picture, kind_of
from ..rules.metas import Meta
from ..rules.outputs import DEFAULT_PRESET, Spec
from ..rules.problems import FileNotClean, refused
from ..sources import Source
from ..store.jobs import Moved, Taken
from . import queue

OLDER_AT_ONCE = 50


def create(
    ports: Ports, file_id: str, specs: Sequence[Spec], preset: str, intent: Intent, *, by: Principal
) -> tuple[JobView, bool]:
    """The job of these outputs, and whether it was there before. 1 internal call and 2 or 3 requests.

    Raises `NotFound`, `FileNotClean`, `InvalidRequest`.
    """
    source = ports.sources.find(file_id, by.owner_id, by)
    if source is None or source.owner_id != by.owner_id:
        raise NotFound("There is no such file.")
    check_clean(source)
    if not has_picture(source.media_type):
        raise refused("/file_id", f"Nothing can be shown of a file of the type {source.media_type}.")
    listener = by.user_id or by.id
    job, is_new = make(ports, wanted_of(source, specs, preset, listener), intent)
    if not is_new:
        ports.progress.open(job.id, listener)
    view = ports.jobs.view(job.id)
    if view is None:
        raise NotFound("The file was deleted in this moment.")
    return view, not is_new


def check_clean(source: Source) -> None:
    """Raises `FileNotClean`."""
    if not source.is_clean:
        raise FileNotClean(f"The file is {source.state}; only a clean one is read.")


def wanted_of(source: Source, specs: Sequence[Spec], preset: str, *listeners: str) -> Wanted:
    return Wanted(
        source.owner_id, source.id, source.n, source.etag, source.size, tuple(specs), preset, tuple(listeners)
    )


def make(ports: Ports, wanted: Wanted, intent: Intent | None = None) -> tuple[Job, bool]:
    """The one job of these outputs, its message sent; and whether it is new. 2 requests.

    A message that was lost is sent again with the next asking, for as long as nobody has begun.
    """
    now = clock.now()
    intent = intent or Intent(ids.new(), "media")
    job = Job(
        intent.id,
        wanted.owner_id,
        wanted.file_id,
        wanted.n,
        wanted.etag,
        wanted.specs,
        now,
        now,
        preset=wanted.preset,
        is_heavy=wanted.size >= HEAVY_BYTES,
    )
    try:
        made, replayed = ports.jobs.create(job, intent, *ports.progress.opening(job.id, wanted.listeners))
    except Taken as taken:
        return _there(ports, taken.job_id), False
    if made.state == QUEUED:
        queue.send_job(ports, made)
        ports.progress.tell(made)
    return made, not replayed


def became_clean(ports: Ports, source: Source) -> None:
    """A version of a file may be read: look at it, and make the thumbnails of the default preset.

    May come twice and late: a version that is known is not looked at again.
    """
    if kind_of(source.media_type) is None:
        return
    meta = Meta(source.id, source.owner_id, source.n, source.etag, source.media_type, source.size, QUEUED)
    ports.metas.expect(meta)
    move_on(ports, source)
    if has_picture(source.media_type):
        found = ports.presets.find(DEFAULT_PRESET)
        assert found is not None
        make(ports, wanted_of(source, found[0], DEFAULT_PRESET, source.owner_id))
    else:
        queue.send_look(ports, source.id, source.owner_id, source.size)


def move_on(ports: Ports, source: Source) -> None:
    """Let open jobs of versions before begin anew with this one. 1 request, and 2 for each."""
    page = ports.jobs.of_file(source.id, OLDER_AT_ONCE)
    for job in page.jobs:
        if job.is_open and job.n < source.n:
            restart(ports, job, source)


def restart(ports: Ports, job: Job, source: Source) -> None:
    """Begin a job anew with another version; end it where that version has one of its own."""
    try:
        if ports.jobs.restart(job, source.n, source.etag):
            fresh = ports.jobs.find(job.id)
            if fresh is not None:
                queue.send_job(ports, fresh)
                ports.progress.tell(fresh)
        else:
            ports.jobs.cancel(job)
    except Moved:
        # It was restarted, ended or cancelled meanwhile, and that holds.
        return


def _there(ports: Ports, job_id: str) -> Job:
    """The job that is there already; a cancelled one goes on."""
    job = ports.jobs.find(job_id)
    if job is None:
        raise Busy
    if job.state == CANCELLED:
        try:
            ports.jobs.reopen(job)
        except Moved:
            pass
        job = ports.jobs.find(job_id) or job
    if job.state in OPEN and not job.attempts:
        queue.send_job(ports, job)
    return job
