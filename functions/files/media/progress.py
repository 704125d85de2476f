"""How far a job has come: on the topic `job:{id}`, and on `job:{file_id}`, for whoever sent the file.

The second tells only that there is a job, and how it ended.
"""

from collections.abc import Iterable
from typing import Any

from tessera.job_news import JobNews

from .rules.jobs import RUNNING, Job, Outcome


class Progress(JobNews):
    """The news of a job on a file's pictures or films."""

    def tell(self, job: Job, outcomes: Iterable[Outcome] = ()) -> None:
        """Say how a job stands and which outputs came out. 1 request; 2 when it begins or has ended."""
        outputs = [_output(outcome) for outcome in outcomes]
        said = {"kind": "media.job", "job_id": job.id, "file_id": job.file_id, "n": job.n, "state": job.state}
        said |= {"done": job.done, "failed": job.failed, "total": job.total}
        self.publish(job.id, {**said, "outputs": outputs, "blurhash": job.blurhash})
        if job.state != RUNNING:
            self.publish(job.file_id, said)


def _output(outcome: Outcome) -> dict[str, Any]:
    about: dict[str, Any] = {"name": outcome.spec.name, "hash": outcome.spec.hash, "format": outcome.spec.format.value}
    if outcome.code is not None:
        return {**about, "state": "failed", "error": outcome.code.value}
    return {**about, "state": "done", "w": outcome.width, "h": outcome.height, "bytes": outcome.size}
