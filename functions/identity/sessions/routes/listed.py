"""Where somebody is signed in with cookies. A token or the access cookie says who asks."""

from tessera import clock
from tessera.entry import Router, problems
from tessera.problems import NotFound

from ..actions import end
from ..rules import Session
from ..schemas import SessionOut, SessionsOut
from .shared import PREFIX, TAGS, Asked, Bound, Myself, user_id_of

router = Router(prefix=PREFIX, tags=TAGS)


@router.get("")
async def list_sessions(caller: Myself, ports: Bound) -> SessionsOut:
    """Every open session with cookies, newest first; there are at most 10."""
    found = end.listed(ports, user_id_of(caller))
    return SessionsOut(items=[_out(session, caller.session_id) for session in found])


@router.delete("/{session_id:ulid}", status_code=204, responses=problems(NotFound))
async def end_session(session_id: str, caller: Myself, ports: Bound, call: Asked) -> None:
    """Sign one session out. Its access cookie stops within 15 seconds."""
    end.end_one(ports, user_id_of(caller), session_id, caller=caller, call=call)


def _out(session: Session, current: str | None) -> SessionOut:
    return SessionOut(
        id=session.id,
        client_id=session.client_id,
        device_name=session.device,
        place=session.network,
        aal=session.aal,
        remember=session.remember,
        created_at=clock.from_millis(session.created),
        last_seen_at=clock.from_millis(session.seen),
        expires_at=clock.from_millis(session.expires_at),
        current=session.id == current,
    )
