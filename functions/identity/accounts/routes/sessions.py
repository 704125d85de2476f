"""Where the caller is signed in."""

from tessera import clock
from tessera.entry import Router, problems
from tessera.problems import NotFound, Unavailable

from ..actions import sessions
from ..cookie_sessions import CookieSession
from ..schemas import SessionOut, SessionsOut
from ..store import FamilyRow
from .shared import PREFIX, TAGS, Asked, Bound, Myself, session_id_of, user_id_of

router = Router(prefix=f"{PREFIX}/me", tags=TAGS)
MAX_BROWSERS = 75


@router.get("/sessions")
async def list_sessions(caller: Myself, ports: Bound) -> SessionsOut:
    """Every open session, newest first: at most 25 with tokens, and those of browsers."""
    rows, browsers = sessions.listed(ports, user_id_of(caller))
    items = [_out(row, caller.session_id) for row in rows]
    items += [_cookie_out(found, caller.session_id) for found in (browsers or [])[:MAX_BROWSERS]]
    items.sort(key=lambda item: item.created_at, reverse=True)
    return SessionsOut(items=items, complete=browsers is not None)


@router.delete("/sessions/{session_id:ulid}", status_code=204, responses=problems(NotFound, Unavailable))
async def end_session(session_id: str, caller: Myself, ports: Bound, call: Asked) -> None:
    """Sign one session out, that of a browser too."""
    sessions.end(ports, user_id_of(caller), session_id, caller=caller, call=call)


@router.post("/logout", status_code=204)
async def log_out(caller: Myself, ports: Bound, call: Asked) -> None:
    """Sign this session out."""
    sessions.log_out(ports, user_id_of(caller), session_id_of(caller), caller=caller, call=call)


@router.post("/logout-all", status_code=204, responses=problems(NotFound, Unavailable))
async def log_out_everywhere(caller: Myself, ports: Bound, call: Asked) -> None:
    """Sign every session out, this one included."""
    sessions.log_out_everywhere(ports, user_id_of(caller), caller=caller, call=call)


def _out(row: FamilyRow, current: str | None) -> SessionOut:
    return SessionOut(
        id=row.family_id,
        kind="token",
        client_id=row.client_id,
        device_name=row.device,
        place=row.ip_trunc,
        created_at=clock.from_millis(int(row.created)),
        last_seen_at=clock.from_millis(int(row.rot_at)),
        expires_at=clock.from_millis(min(int(row.idle_exp), int(row.abs_exp))),
        current=row.family_id == current,
    )


def _cookie_out(found: CookieSession, current: str | None) -> SessionOut:
    return SessionOut(
        id=found.id,
        kind="cookie",
        client_id="web",
        device_name=found.device,
        place=found.place,
        created_at=found.created_at,
        last_seen_at=found.last_seen_at,
        expires_at=found.expires_at,
        current=found.id == current,
    )
