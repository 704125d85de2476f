"""Where somebody is signed in, and ending it."""

from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import NotFound

from ..ports import Ports
from ..store import FamilyRow
from .changes import applied


def listed(ports: Ports, user_id: str) -> list[FamilyRow]:
    return ports.sessions.of(user_id)


def end(ports: Ports, user_id: str, session_id: str, *, caller: Principal, call: Call) -> None:
    """End one session of one's own: 1 transaction. Raises `NotFound` when it is over."""
    told = audit("accounts.session-ended", f"session:{session_id}", by=caller, call=call)
    if not ports.sessions.end(user_id, session_id, reason="ended by the user", also=[told]):
        raise NotFound("There is no such session, or it is over.")


def log_out(ports: Ports, user_id: str, session_id: str, *, caller: Principal, call: Call) -> None:
    """End the session at hand. Once is as good as twice."""
    told = audit("accounts.logout", f"session:{session_id}", by=caller, call=call)
    ports.sessions.end(user_id, session_id, reason="signed out", also=[told])


def log_out_everywhere(ports: Ports, user_id: str, *, caller: Principal, call: Call) -> None:
    """End every session: 1 read and 1 transaction. The epoch moves on, so that no access token outlives it."""
    applied(
        ports,
        ports.users.get(user_id),
        event=audit("accounts.logout-all", f"user:{user_id}", by=caller, call=call),
        reason="signed out everywhere",
    )
