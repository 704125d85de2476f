"""Being there: beats, which keep a session and its state, and cursors, which are told and kept nowhere."""

from dataclasses import dataclass
from typing import Any

from tessera import clock

from ..ports import Ports
from ..rules import MAX_STATE_BYTES, NotYourSession, Person, Session, SessionExpired, TooLarge
from ..store.rows import text_of
from ..store.sessions import held_by, kept
from .access import enter

# What a state consists of. A beat says all of it; a move only what has changed.
PARTS = ("cursor", "selection", "status", "data")


@dataclass(frozen=True)
class Beat:
    """`says` is whether there is a state in it, which may be none; `connection` is that of a socket's own beat."""

    v: int
    state: dict[str, Any] | None = None
    says: bool = False
    connection: str = ""


@dataclass(frozen=True)
class Moved:
    """Whether it is on its way; if not, in how many milliseconds it may be said again, and 0 when it is too old."""

    told: bool
    again_ms: int
    v: int


def beat(ports: Ports, doc: str, session_id: str, said: Beat, *, by: Person) -> Session:
    """Go on being there. 1 write unit, and 1 a minute for when its user was last seen.

    Raises `NotFound`, `SessionExpired`, `NotYourSession`, `StaleClock` and `TooLarge`.
    """
    room = enter(ports, doc, by)
    if said.state is not None and len(text_of(said.state).encode()) > MAX_STATE_BYTES:
        raise TooLarge(f"A state takes {MAX_STATE_BYTES} bytes.")
    more = [kept(said.state)] if said.says else []
    # A client that has a new socket goes on with the session that it had.
    more += held_by(doc, session_id, said.connection) if said.connection else []
    now = clock.millis()
    session = ports.sessions.beat(
        doc, session_id, by.user_id, now_ms=now, ends_ms=now + room.wanted.ttl_s * 1_000, v=said.v, more=more
    )
    ports.remembered.put(session_id, session)
    ports.people.note(by.user_id, now)
    if said.says:
        _tell(ports, room.topic, session, said.v, {part: (said.state or {}).get(part) for part in PARTS})
    return session


def move(ports: Ports, doc: str, session_id: str, patch: dict[str, Any], v: int | None, *, by: Person) -> Moved:
    """Tell where somebody is now. Nothing is written, and mostly nothing is read.

    Without `v` the time stands for it. Raises `NotFound`, `SessionExpired`, `NotYourSession` and `TooLarge`.
    """
    room, now = enter(ports, doc, by), clock.millis()
    if len(text_of(patch).encode()) > MAX_STATE_BYTES:
        raise TooLarge(f"A state takes {MAX_STATE_BYTES} bytes.")
    session = _session(ports, doc, session_id, now)
    if session.person.user_id != by.user_id:
        raise NotYourSession("Join to get one of your own.")
    clocked = now if v is None else v
    if clocked <= session.v or not patch:
        return Moved(False, 0, clocked)
    return _tell(ports, room.topic, session, clocked, patch)


def _session(ports: Ports, doc: str, session_id: str, now_ms: int) -> Session:
    """As this process saw it some seconds ago, or as it is. Raises `SessionExpired`."""
    seen = ports.remembered.get(session_id)
    if seen is None or seen.doc != doc or seen.is_over(now_ms):
        seen = ports.sessions.find(doc, session_id)
        if seen is None or seen.is_over(now_ms):
            raise SessionExpired("Join again.")
        ports.remembered.put(session_id, seen)
    return seen


def _tell(ports: Ports, topic: str, session: Session, v: int, said: dict[str, Any]) -> Moved:
    offered = ports.frames.offer(session.doc, session.id, v, said, now_ms=clock.millis())
    for frame in offered.frames:
        ports.live.tell(topic, {"type": "cursor", "cursors": frame})
    return Moved(not offered.is_stale and not offered.again_ms, offered.again_ms, v)
