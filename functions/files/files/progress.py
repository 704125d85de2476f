"""How far an upload has come, told on the topic `job:{file_id}` to whoever began it."""

from datetime import timedelta
from typing import Self

from tessera import aws, clock, log
from tessera.live import Live, LiveSettings
from tessera.problems import Problem
from tessera.settings import Bindings
from tessera.transact import Step

HEARD_FOR = timedelta(hours=48)


class Progress:
    """Nothing is told where there is no hub. It is news and no record, so that a file never waits for it."""

    def __init__(self, live: Live | None) -> None:
        self._live = live

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Live) if bindings.settings(LiveSettings).realtime else None)

    def opening(self, file_id: str, user_id: str) -> list[Step]:
        """The step that lets this user listen; none without a hub."""
        if self._live is None:
            return []
        return [self._live.granting(_topic(file_id), user_id, until=clock.now() + HEARD_FOR)]

    def tell(self, file_id: str, *, n: int, state: str, share: float | None = None, reason: str | None = None) -> None:
        """Say in which state a version is. 1 request."""
        if self._live is None:
            return
        said = {"kind": "files.upload", "file_id": file_id, "n": n, "state": state, "share": share, "reason": reason}
        try:
            self._live.publish(_topic(file_id), {name: value for name, value in said.items() if value is not None})
        except (Problem, aws.ClientError, aws.BotoCoreError) as error:
            log.line("progress", outcome="not-told", cause=type(error).__name__)


def _topic(file_id: str) -> str:
    return f"job:{file_id}"
