"""The commands of one frame, run in their order for one connection, and answered in one frame."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tessera import clock, log
from tessera.live import GrantRow, grant_key
from tessera.problems import Busy, Problem
from tessera.settings import Bindings

from ..identities import principal_of
from ..ports import Ports
from ..protocol.commands import Command
from ..protocol.replies import Disconnect, Refused, error, result
from ..rules.access import Access
from ..store.rows import ConnectionRow


@dataclass
class Session:
    """`after` is done once the replies are on their way: nothing may be pushed to a topic before its reply."""

    ports: Ports
    row: ConnectionRow
    bindings: Bindings
    replies: list[str] = field(default_factory=list)
    after: list[Callable[[], None]] = field(default_factory=list)

    @property
    def connection(self) -> str:
        return self.row.connection

    @property
    def client(self) -> str:
        return self.row.client or ""

    @property
    def user(self) -> str:
        return self.row.user or ""

    @property
    def info(self) -> dict[str, str]:
        return {"client": self.client, "user": self.user} if self.user else {"client": self.client}

    def access(self, told: str = "") -> Access:
        """`told` is the topic of a token that was shown."""
        return Access(self.user, self._grant, self.ports.settings.open_demo, clock.now().timestamp(), told)

    def _grant(self, topic: str, user: str) -> GrantRow | None:
        return self.ports.live.log.table.get(GrantRow, grant_key(topic), user)

    def acting(self) -> Any:
        return principal_of(self.row.principal) if self.row.principal else None


Handler = Callable[[Session, Command], dict[str, Any]]


def run(session: Session, commands: list[Command], handlers: dict[str, Handler]) -> None:
    """Run them. Raises `Disconnect` when the connection is to end; what was answered before still is."""
    for command in commands:
        if command.is_pong:
            session.ports.connections.heard(session.connection)
            continue
        if not command.method:
            session.replies.append(error(command.id, 107))
            continue
        is_first = session.row.state == "open"
        if is_first != (command.method == "connect"):
            raise Disconnect(3501)
        answered = _answer(session, command, handlers)
        if command.id:
            session.replies.append(answered)


def _answer(session: Session, command: Command, handlers: dict[str, Handler]) -> str:
    try:
        return result(command.id, command.method, handlers[command.method](session, command))
    except Refused as refused:
        return error(command.id, refused.code)
    except Busy:
        return error(command.id, 100)
    except Problem as problem:
        log.current().cause = problem.slug
        return error(command.id, 111 if problem.status == 429 else 100)
