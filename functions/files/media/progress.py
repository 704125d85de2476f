"""How far a job has come: on the topic `job:{id}`, and on `job:{file_id}`, for whoever sent the file.

The second tells only that there is a job, and how it ended.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Self

from tessera import aws, clock, log
from tessera.live import Live, LiveSettings
from tessera.problems import Problem
from tessera.settings import Bindings
from tessera.transact import Step

from .rules.jobs import RUNNING, Job, Outcome

HEARD_FOR = timedelta(hours=48)


class Progress:
    """Nothing is told where there is no hub. It is news and no record, so that no job waits for it."""

    def __init__(self, live: Live | None) -> None:
        self._live = live

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Live) if bindings.settings(LiveSettings).realtime else None)

    def opening(self, job_id: str, user_ids: Iterable[str]) -> list[Step]:
        """Steps that let these users listen; none without a hub."""
        if self._live is None:
            return []
        until = clock.now() + HEARD_FOR
        return [self._live.granting(_topic(job_id), user_id, until=until) for user_id in dict.fromkeys(user_ids)]

    def open(self, job_id: str, user_id: str) -> None:
        """Let one more user listen to a job that is there already. 1 request."""
        if self._live is not None:
            self._live.grant(_topic(job_id), user_id, until=clock.now() + HEARD_FOR)

    def tell(self, job: Job, outcomes: Iterable[Outcome] = ()) -> None:
        """Say how a job stands and which outputs came out. 1 request; 2 when it begins or has ended."""
        outputs = [_output(outcome) for outcome in outcomes]
        said = {"kind": "media.job", "job_id": job.id, "file_id": job.file_id, "n": job.n, "state": job.state}
        said |= {"done": job.done, "failed": job.failed, "total": job.total}
        self._publish(_topic(job.id), {**said, "outputs": outputs, "blurhash": job.blurhash})
        if job.state != RUNNING:
            self._publish(_topic(job.file_id), said)

    def _publish(self, topic: str, said: dict[str, Any]) -> None:
        if self._live is None:
            return
        try:
            self._live.publish(topic, said)
        except (Problem, aws.ClientError, aws.BotoCoreError) as error:
            log.line("progress", outcome="not-told", cause=type(error).__name__)


def _output(outcome: Outcome) -> dict[str, Any]:
    about: dict[str, Any] = {"name": outcome.spec.name, "hash": outcome.spec.hash, "format": outcome.spec.format.value}
    if outcome.code is not None:
        return {**about, "state": "failed", "error": outcome.code.value}
    return {**about, "state": "done", "w": outcome.width, "h": outcome.height, "bytes": outcome.size}


def _topic(name: str) -> str:
    return f"job:{name}"
