"""What has become of a mail, told on `user:{whoever asked for it}`."""

from typing import Self

from tessera import aws, ids, log
from tessera.live import Live, LiveSettings
from tessera.problems import Problem
from tessera.settings import Bindings


class Listeners:
    """It is news and no record: whoever was away reads the mail. Nothing is told where there is no hub."""

    def __init__(self, live: Live | None) -> None:
        self._live = live

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Live) if bindings.settings(LiveSettings).realtime else None)

    def tell(self, mail_id: str, asked_by: str, state: str) -> None:
        """1 or 2 requests, none mostly; none for a mail that a service asked for."""
        if self._live is None or not ids.is_ulid(asked_by):
            return
        try:
            self._live.tell(f"user:{asked_by}", {"kind": "outbox.email", "mail_id": mail_id, "state": state})
        except (Problem, aws.ClientError, aws.BotoCoreError) as error:
            log.line("listeners", outcome="not-told", cause=type(error).__name__)
