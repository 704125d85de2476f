"""Sessions end: by their user, by staff, because the account changed, or because nothing of it may be kept."""

from datetime import datetime

from tessera import clock
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import NotFound

from .. import secret_values
from ..ports import Ports
from ..rules import Session
from .keep import current
from .sign_in import principal_of


def log_out(ports: Ports, secret: str, *, call: Call) -> None:
    """End the session of this cookie: 1 read and 1 transaction. Once is as good as twice."""
    place = ports.sessions.locate(secret_values.hash_of(secret))
    if place is not None:
        user_id, session_id = place.user_id, place.session_id
        caller = Principal(kind="user", id=user_id, user_id=user_id, session_id=session_id, credential="cookie")
        told = audit("sessions.logout", f"session:{session_id}", by=caller, call=call)
        ports.endings.end(place, reason="signed out", told=told)


def log_out_everywhere(ports: Ports, secret: str, *, call: Call) -> None:
    """End every session of whoever has this cookie: 3 reads and 1 transaction. Raises `SessionOver`."""
    session = current(ports, secret)
    told = audit("sessions.logout-all", f"user:{session.user_id}", by=principal_of(session), call=call)
    ports.endings.end_all(session.user_id, reason="signed out everywhere", told=told)


def end_one(ports: Ports, user_id: str, session_id: str, *, caller: Principal, call: Call) -> None:
    """End one session of this user: 1 read and 1 transaction. Raises `NotFound`."""
    place = ports.sessions.place(user_id, session_id)
    told = audit("sessions.session-ended", f"session:{session_id}", by=caller, call=call)
    if place is None or not ports.endings.end(place, reason=_by(caller), told=told):
        raise NotFound("There is no such session, or it is over.")


def end_from_outside(ports: Ports, user_id: str, session_id: str, *, caller: Principal, call: Call) -> None:
    """A provider has ended its session. Ours ends too, and does not begin by what comes later."""
    told = audit("sessions.session-ended", f"session:{session_id}", by=caller, call=call)
    ports.endings.end_to_come(user_id, session_id, reason="signed out at the provider", told=told)


def end_all(ports: Ports, user_id: str, *, caller: Principal, call: Call) -> int:
    """End every session of this user; how many there were comes back."""
    told = audit("sessions.all-ended", f"user:{user_id}", by=caller, call=call)
    return ports.endings.end_all(user_id, reason=_by(caller), told=told)


def follow(ports: Ports, user_id: str, *, reason: str, at: datetime, keep: str | None = None) -> None:
    """The account changed at that moment: what was signed in before ends, except for the session that did it.

    Somebody who has signed in since then did so as the account is now. To be told twice changes nothing.
    """
    before = int((at - clock.EPOCH).total_seconds() * 1000)
    ports.endings.end_all(user_id, reason=reason, keep=keep, proved_before=before)


def erase(ports: Ports, user_id: str) -> int:
    """Keep nothing of a user: how many sessions ended."""
    return ports.endings.erase(user_id)


def listed(ports: Ports, user_id: str) -> list[Session]:
    return ports.sessions.listed(user_id)


def _by(caller: Principal) -> str:
    return "ended by the user" if caller.kind == "user" else "ended by staff"
