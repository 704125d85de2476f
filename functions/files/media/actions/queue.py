"""Messages of `media` to itself: one for each source, to the worker that has the memory for it."""

from tessera import queues

from ..ports import Ports
from ..rules.codes import HEAVY_BYTES
from ..rules.jobs import Job

JOB, LOOK, BACKFILL = "media.job", "media.look", "media.backfill"


def send_job(ports: Ports, job: Job, *, delay_seconds: int = 0, looks: int = 0) -> None:
    """1 request."""
    queues.send(_queue(ports, job.is_heavy), JOB, {"job_id": job.id, "looks": looks}, delay_seconds=delay_seconds)


def send_look(ports: Ports, file_id: str, owner_id: str, size: int, *, delay_seconds: int = 0) -> None:
    """Have a file looked at of which no picture is made. 1 request."""
    body = {"file_id": file_id, "owner_id": owner_id}
    queues.send(_queue(ports, size >= HEAVY_BYTES), LOOK, body, delay_seconds=delay_seconds)


def _queue(ports: Ports, is_heavy: bool) -> str:
    return ports.settings.heavy_queue if is_heavy else ports.settings.queue
