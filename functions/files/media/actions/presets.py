"""Presets, and making their outputs of files that were there before."""

from tessera import aws, queues
from tessera.auth.principal import Principal
from tessera.jobs import Job, JobState
from tessera.problems import NotFound
from tessera.transact import transact

from ..ports import Ports
from ..rules.jobs import Wanted
from ..rules.kinds import has_picture
from ..rules.outputs import Spec
from ..store.rows import SHARDS
from . import ask
from .queue import BACKFILL

KIND, FILES_AT_ONCE = "presets.backfill", 25


def get(ports: Ports, name: str) -> tuple[tuple[Spec, ...], int]:
    """Raises `NotFound`. 1 request."""
    found = ports.presets.find(name)
    if found is None:
        raise NotFound("There is no such preset.")
    return found


def begin(ports: Ports, name: str, *, by: Principal) -> Job:
    """Begin to make this preset's outputs of every file there is. 3 requests. Raises `NotFound`."""
    get(ports, name)
    job, keeping = ports.backfills.starting(by.owner_id, KIND, cancellable=True)
    transact(keeping)
    body = {"owner_id": by.owner_id, "job_id": job.id, "preset": name, "shard": 0, "after": None, "done": 0}
    queues.send(ports.settings.queue, BACKFILL, body)
    return job


def go_on(ports: Ports, job: Job, preset: str, shard: int, after: str | None, done: int) -> None:
    """Do one page, and send the message of the next. Done twice it makes nothing twice."""
    if ports.backfills.progress(job, done).state is not JobState.RUNNING:
        return
    found = ports.presets.find(preset)
    if found is None:
        ports.backfills.fail(job, NotFound("The preset is gone."))
        return
    metas, following = ports.metas.known(shard, FILES_AT_ONCE, after)
    for meta in metas:
        if has_picture(meta.media_type):
            ask.make(ports, Wanted(meta.owner_id, meta.file_id, meta.n, meta.etag, meta.size, found[0], preset))
            done += 1
            aws.fault_point("media.backfilled")
    shard, after = (shard, following) if following else (shard + 1, None)
    if shard >= SHARDS:
        ports.backfills.progress(job, done)
        ports.backfills.finish(job, result={"files": done})
        return
    body = {"owner_id": job.owner_id, "job_id": job.id, "preset": preset}
    queues.send(ports.settings.queue, BACKFILL, {**body, "shard": shard, "after": after, "done": done})
