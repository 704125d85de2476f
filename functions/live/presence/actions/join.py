"""Coming in: a seat, a colour, the right to listen, and the word to all others, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tessera import clock, ids
from tessera.seqlog import Also, Appended
from tessera.transact import Step, transact

from .. import events
from ..ports import Ports
from ..rules import MAX_META_BYTES, Person, Room, RoomFull, Session, TooLarge, place_for, session_id_of
from ..store.rooms import Changed
from ..store.rows import text_of
from ..store.sessions import is_silent
from ..views import Inside, Joined, shown
from .access import enter
from .leave import end, look_at_silent
from .patience import patiently

# Subscribe, read the history, see who is there.
PERMS = "shr"


@dataclass(frozen=True)
class Asked:
    """`client` is what it calls itself, so that it is known again; `connection` its socket, if it has one."""

    meta: dict[str, Any]
    client: str = ""
    connection: str = ""


def join(ports: Ports, doc: str, asked: Asked, *, by: Person) -> Joined:
    """A session in the room: a new one, or that of the same user and client. 1 read and 1 transaction, and 2 reads.

    Raises `NotFound`, `RoomFull` and `TooLarge`.
    """
    if len(text_of(asked.meta).encode()) > MAX_META_BYTES:
        raise TooLarge(f"What is said of somebody takes {MAX_META_BYTES} bytes.")
    session, is_new = patiently(lambda: _attempt(ports, doc, asked, by))
    ports.remembered.put(session.id, session)
    return Joined(session, look(ports, doc, by=by), is_new)


def look(ports: Ports, doc: str, *, by: Person) -> Inside:
    """The room and who is there. 3 requests. Raises `NotFound`."""
    room = enter(ports, doc, by, fresh=True)
    # What is read after the head holds all that the log says up to there.
    head, now = ports.live.log.head(room.topic), clock.millis()
    here = look_at_silent(ports, ports.sessions.of_room(doc), now)
    return Inside(room, here, head.epoch, head.off, now)


def _attempt(ports: Ports, doc: str, asked: Asked, by: Person) -> tuple[Session, bool]:
    room = enter(ports, doc, by, fresh=True)
    named = ids.derived(0, session_id_of(doc, by.user_id, asked.client)) if asked.client else ""
    known = ports.sessions.find(doc, named) if named else None
    if known is not None:
        return _renew(ports, room, known, asked, by), False
    if room.count >= room.wanted.max_members:
        _make_room(ports, room)
    now = clock.millis()
    session = Session(
        id=named or ids.new(),
        doc=doc,
        person=by,
        client=asked.client,
        connection=asked.connection,
        meta=asked.meta,
        state=None,
        v=0,
        place=place_for(by.user_id, room.colors),
        joined_ms=now,
        ends_ms=now + room.wanted.ttl_s * 1_000,
    )
    event = events.SessionJoined(doc=doc, session_id=session.id, user_id=by.user_id)

    def steps(made: Appended) -> Sequence[Step]:
        return [
            *ports.sessions.beginning(session, event),
            ports.rooms.entering(room, session.place),
            ports.people.counting(by.user_id, 1, now),
            ports.live.granting(room.topic, by.user_id, PERMS),
        ]

    _tell(ports, room, "joined", session, steps)
    return session, True


def _renew(ports: Ports, room: Room, known: Session, asked: Asked, by: Person) -> Session:
    """Who comes again is who they were: nothing is told, unless they had been gone from sight or look otherwise."""
    now = clock.millis()
    after = replace(
        known,
        person=by,
        meta=asked.meta,
        connection=asked.connection,
        ends_ms=now + room.wanted.ttl_s * 1_000,
    )
    renewing = ports.sessions.renewing(known, after)
    if known.is_over(now) or known.meta != after.meta:
        _tell(ports, room, "meta", after, lambda made: [renewing])
    else:
        transact(renewing)
    return after


def _tell(ports: Ports, room: Room, kind: str, session: Session, steps: Also) -> None:
    told = {"type": kind, "session": shown(session)}
    ports.live.publish(room.topic, told, tags={"type": kind}, also=steps)


def _make_room(ports: Ports, room: Room) -> None:
    """Let go of who is silent and was not swept yet. Raises `RoomFull` when all are here, `Changed` otherwise."""
    now = clock.millis()
    over = [session for session in ports.sessions.of_room(room.doc) if session.is_over(now)]
    ended = [end(ports, session, "silent", is_silent(now)) for session in over]
    if not ended:
        raise RoomFull(f"It holds {room.wanted.max_members}.")
    raise Changed()
