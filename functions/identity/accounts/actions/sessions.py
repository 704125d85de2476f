"""Where somebody is signed in, and ending it."""

from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import NotFound

from ..cookie_sessions import CookieSession
from ..ports import Ports
from ..store import FamilyRow
from .changes import applied, as_updated


def listed(ports: Ports, user_id: str) -> tuple[list[FamilyRow], list[CookieSession] | None]:
    """Sign-ins with tokens, and those of browsers, or None when they cannot be told. 1 query, 1 internal call."""
    return ports.sessions.of(user_id), ports.cookie_sessions.of(user_id)


def end(ports: Ports, user_id: str, session_id: str, *, caller: Principal, call: Call) -> None:
    """End one session of one's own: 1 transaction, or 1 internal call for that of a browser.

    Raises `NotFound` when it is over, `Unavailable`.
    """
    told = audit("accounts.session-ended", f"session:{session_id}", by=caller, call=call)
    if ports.sessions.end(user_id, session_id, reason="ended by the user", also=[told]):
        return
    if not ports.cookie_sessions.end(user_id, session_id, caller=caller, call=call):
        raise NotFound("There is no such session, or it is over.")


def log_out(ports: Ports, user_id: str, session_id: str, *, caller: Principal, call: Call) -> None:
    """End the session at hand. Once is as good as twice."""
    if caller.credential == "cookie":
        ports.cookie_sessions.end(user_id, session_id, caller=caller, call=call)
        return
    told = audit("accounts.logout", f"session:{session_id}", by=caller, call=call)
    ports.sessions.end(user_id, session_id, reason="signed out", also=[told])


def log_out_everywhere(ports: Ports, user_id: str, *, caller: Principal, call: Call) -> None:
    """End every session, and know no device any more: 1 internal call, 1 query, 1 read, 2 transactions.

    No access token outlives it, for the epoch moves on. Sessions of browsers go first: whoever is told `Unavailable`
    is still signed in, and can ask again.
    """
    ports.cookie_sessions.end_all(user_id, caller=caller, call=call)
    ports.devices.forget_all(user_id)
    user = ports.users.get(user_id)
    applied(
        ports,
        user,
        event=as_updated(user),
        also=[audit("accounts.logout-all", f"user:{user_id}", by=caller, call=call)],
        reason="signed out everywhere",
    )
