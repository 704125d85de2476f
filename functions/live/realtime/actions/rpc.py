"""Calls over the socket: the time, and what other capabilities answer."""

from typing import Any

from tessera import clock
from tessera.problems import Problem

from ..protocol.commands import Command
from ..protocol.replies import Refused
from .session import Session

# The methods that another capability answers, by what stands before the dot.
CALLEES = {
    **dict.fromkeys(("chat.typing", "chat.read"), "chat"),
    **dict.fromkeys(("presence.join", "presence.beat", "presence.cursor", "presence.leave"), "presence"),
}
# These end what a connection holds when it is closed, so they are told which one asks.
TOLD_THE_CONNECTION = frozenset(["presence"])
# Clients wait five seconds for the reply to a command.
TIMEOUT_SECONDS = 3.0


def rpc(session: Session, command: Command) -> dict[str, Any]:
    """Raises `Refused`."""
    method = command.text("method")
    if method == "time":
        return {"data": {"time": clock.millis()}}
    callee = CALLEES.get(method)
    if callee is None:
        raise Refused(104)
    if not session.user:
        raise Refused(101)
    return {"data": _ask(session, callee, method, command.body.get("data"))}


def _ask(session: Session, callee: str, method: str, data: Any) -> Any:
    body = {"method": method, "data": data if data is not None else {}}
    if callee in TOLD_THE_CONNECTION:
        body["client"] = session.client
    try:
        answer = session.ports.internal.call(
            callee,
            "POST",
            f"/{callee}/internal/rpc",
            json=body,
            on_behalf_of=session.acting(),
            timeout=TIMEOUT_SECONDS,
        )
    except Problem:
        raise Refused(100) from None
    if not answer.ok:
        raise Refused({401: 101, 403: 103, 404: 102, 409: 106, 413: 107, 422: 107, 429: 111}.get(answer.status, 100))
    return answer.json()["result"]
