"""How far a job has come, told on the topic `job:{id}` to those who were let in. A capability says what is told."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Self

from tessera import aws, clock, log
from tessera.jobs import Job
from tessera.live import Live, LiveSettings
from tessera.problems import Problem
from tessera.settings import Bindings
from tessera.transact import Step

HEARD_FOR = timedelta(hours=48)


class JobNews:
    """Nothing is told where there is no hub. It is news and no record, so that no job waits for it."""

    def __init__(self, live: Live | None) -> None:
        self._live = live

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Live) if bindings.settings(LiveSettings).realtime else None)

    def opening(self, job_id: str, user_ids: Iterable[str]) -> list[Step]:
        """Steps that let these users listen, each of them once; none without a hub."""
        if self._live is None:
            return []
        until = clock.now() + HEARD_FOR
        return [self._live.granting(_topic(job_id), user_id, until=until) for user_id in dict.fromkeys(user_ids)]

    def open(self, job_id: str, user_id: str) -> None:
        """Let one more user listen to a job that is there already. 1 request."""
        if self._live is not None:
            self._live.grant(_topic(job_id), user_id, until=clock.now() + HEARD_FOR)

    def stands(self, job: Job, kind: str, **about: str) -> None:
        """Say how a job stands, and what it is about. 1 request."""
        said = {"kind": kind, "job_id": job.id, **about, "state": job.state.value}
        self.publish(job.id, {**said, "done": job.done, "total": job.total})

    def publish(self, job_id: str, said: Mapping[str, Any]) -> None:
        """Say this to those who listen. 1 request; a hub that does not take it is noted in the log, no more."""
        if self._live is None:
            return
        try:
            self._live.publish(_topic(job_id), said)
        except (Problem, aws.ClientError, aws.BotoCoreError) as error:
            log.line("progress", outcome="not-told", cause=type(error).__name__)


def _topic(job_id: str) -> str:
    return f"job:{job_id}"
