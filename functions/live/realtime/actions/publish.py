"""What clients themselves publish, where a namespace lets them."""

from typing import Any

from tessera.gcra import Window
from tessera.policies import Policy

from ..protocol.commands import Command
from ..protocol.replies import Refused, compact
from ..rules.access import PUBLISH
from .session import Session

# Ten a second from one user is a game or a cursor; more is a fault.
RATE = Policy("live:publish", (Window(10, 1, 20),))


def publish(session: Session, command: Command) -> dict[str, Any]:
    """Raises `Refused`."""
    topic = command.text("channel")
    namespace = session.access().require(topic, PUBLISH)
    acting = session.acting()
    if acting is None or not acting.can("realtime:write"):
        raise Refused(103)
    if "data" not in command.body or len(compact(command.body["data"]).encode()) > namespace.max_bytes:
        raise Refused(107)
    if not session.ports.limits.decide(RATE, f"live:{session.user or session.client}").allowed:
        raise Refused(111)
    session.ports.live.publish(topic, command.body["data"], info=session.info)
    return {}
