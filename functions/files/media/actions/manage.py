"""What people do with jobs: look, list, retry, cancel; and what staff do with those that failed."""

from collections.abc import Sequence

from pynamodb.expressions.operand import Path

from tessera import queues
from tessera.jobs import JobOver
from tessera.problems import Busy, NotFound
from tessera.tables import Key

from ..ports import Ports
from ..rules.jobs import CANCELLED, Job, JobView
from ..rules.problems import NothingToRetry
from ..store.jobs import Moved, Page
from . import queue

TRIES = 5


def get(ports: Ports, job_id: str, owner_id: str) -> JobView:
    """1 request. Raises `NotFound`, also for the job of somebody else."""
    view = ports.jobs.view(job_id)
    if view is None or view.job.owner_id != owner_id:
        raise NotFound("There is no such job.")
    return view


def listed(ports: Ports, owner_id: str, state: str | None, file_id: str | None, limit: int, after: Key | None) -> Page:
    """2 requests. A page may be short where both a file and a state are named."""
    if file_id is None:
        return ports.jobs.listed(owner_id, state, limit, after)
    only = Path("owner_id") == owner_id
    return ports.jobs.of_file(file_id, limit, after, only=only & (Path("state") == state) if state else only)


def retry(ports: Ports, view: JobView) -> JobView:
    """Queue what has failed once more. 2 requests and a message. Raises `NothingToRetry`, `Busy`."""
    job = view.job
    for _ in range(TRIES):
        if not job.failed or job.state == CANCELLED:
            raise NothingToRetry(f"The job is {job.state}, and {job.failed} of its outputs have failed.")
        try:
            ports.jobs.retry(view)
        except Moved:
            view = get(ports, job.id, job.owner_id)
            job = view.job
            continue
        after = get(ports, job.id, job.owner_id)
        queue.send_job(ports, after.job)
        ports.progress.tell(after.job)
        return after
    raise Busy


def cancel(ports: Ports, view: JobView) -> JobView:
    """Stop it where it is. Raises `JobOver`, `Busy`. 2 requests."""
    job = view.job
    for _ in range(TRIES):
        if job.state == CANCELLED:
            return view
        if not job.is_open:
            raise JobOver(f"The job is {job.state} already.")
        try:
            ports.jobs.cancel(job)
        except Moved:
            pass
        view = get(ports, job.id, job.owner_id)
        job = view.job
        if job.state == CANCELLED:
            ports.progress.tell(job)
    raise Busy


def redrive(ports: Ports, job_ids: Sequence[str], at_most: int) -> tuple[int, int]:
    """Retry failed jobs, these or the latest, and give what the queues gave up on another try: how many of each."""
    if job_ids:
        found = [job for job in map(ports.jobs.find, job_ids) if job is not None]
    else:
        found, _ = ports.jobs.dead(at_most, None)
    moved = sum(_again(ports, job) for job in found)
    if job_ids:
        return moved, 0
    settings = ports.settings
    pairs = ((settings.dead_queue, settings.queue), (settings.heavy_dead_queue, settings.heavy_queue))
    return moved, sum(queues.redrive(dead, live, at_most=at_most) for dead, live in pairs)


def _again(ports: Ports, job: Job) -> bool:
    view = ports.jobs.view(job.id)
    try:
        return view is not None and bool(retry(ports, view))
    except (NothingToRetry, NotFound, Busy):
        return False
