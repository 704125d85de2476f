"""Sessions that end, each once, whoever and however many say so."""

from collections.abc import Sequence

from pynamodb.expressions.condition import Condition

from tessera import clock, queues
from tessera.due import DueItem
from tessera.problems import NotFound
from tessera.seqlog import Appended
from tessera.transact import Step

from .. import events
from ..ports import Ports
from ..rules import NotYourSession, Person, Session
from ..store.sessions import Over, is_held_by, is_silent
from .access import enter
from .patience import patiently

GRACE_SECONDS = 10
GONE, LOOK, REVIEW = "connection.gone", "session.look", "room.review"


def leave(ports: Ports, doc: str, session_id: str, *, by: Person) -> None:
    """Somebody leaves. Nothing happens when they have. Raises `NotFound` and `NotYourSession`."""
    enter(ports, doc, by)
    session = ports.sessions.find(doc, session_id)
    if session is None:
        return
    if session.person.user_id != by.user_id:
        raise NotYourSession("Only who joined ends it.")
    end(ports, session, "left")


def end(ports: Ports, session: Session, reason: str, while_true: Condition | None = None) -> bool:
    """End a session while this holds of it; false when it is over or does not. 1 read and 1 transaction.

    Its user's right to listen goes with the last session they have in the room.
    """
    user_id, topic = session.person.user_id, f"doc:{session.doc}"
    told = {"type": "left", "session_id": session.id, "user_id": user_id, "reason": reason}
    event = events.SessionLeft(doc=session.doc, session_id=session.id, user_id=user_id, reason=reason)

    def attempt() -> None:
        seats = ports.sessions.seats(session.doc, user_id)

        def steps(made: Appended) -> Sequence[Step]:
            revoking = [ports.live.revoking(topic, user_id)] if seats <= 1 else []
            return [
                *ports.sessions.ending(session, seats, while_true, event),
                ports.rooms.freeing(session.doc, session.place),
                ports.people.counting(user_id, -1, clock.millis()),
                *revoking,
            ]

        ports.live.publish(topic, told, tags={"type": "left"}, also=steps)

    ports.remembered.drop(session.id)
    ports.frames.drop(session.doc, session.id)
    try:
        patiently(attempt)
    except Over:
        return False
    return True


def closed(ports: Ports, user_id: str, connection: str) -> None:
    """A socket is gone. Who comes back within ten seconds has never been away."""
    for doc, session_id in ports.sessions.of_connection(connection):
        session = ports.sessions.find(doc, session_id)
        if session is not None and session.person.user_id == user_id:
            work = {"doc": doc, "session_id": session_id, "connection": connection}
            queues.send(ports.queue, GONE, work, delay_seconds=GRACE_SECONDS)


def end_if_gone(ports: Ports, doc: str, session_id: str, connection: str) -> None:
    """End what was this socket's, unless another one has taken it over meanwhile."""
    session = ports.sessions.find(doc, session_id)
    if session is not None and session.connection == connection:
        end(ports, session, "closed", is_held_by(connection))


def come_due(ports: Ports, item: DueItem) -> None:
    """A session ends in this minute, unless it has beaten since."""
    end_if_silent(ports, item.pk.partition("#")[2], item.sk.partition("#")[2])


def end_if_silent(ports: Ports, doc: str, session_id: str) -> None:
    """End what has been silent for too long; look again when it will have been, if that is soon."""
    session, now = ports.sessions.find(doc, session_id), clock.millis()
    if session is None:
        return
    if session.is_over(now):
        end(ports, session, "silent", is_silent(now))
    else:
        look_later(ports, session, now)


def look_later(ports: Ports, session: Session, now_ms: int) -> None:
    """Look at it when its time has run out. 1 message."""
    seconds = max(0, -(-(session.ends_ms - now_ms) // 1_000))
    queues.send(ports.queue, LOOK, {"doc": session.doc, "session_id": session.id}, delay_seconds=seconds)


def look_at_silent(ports: Ports, sessions: Sequence[Session], now_ms: int) -> list[Session]:
    """Those who are here; the others, whom somebody has just noticed, are looked at right away."""
    for session in sessions:
        if session.is_over(now_ms) and ports.queue:
            look_later(ports, session, now_ms)
    return [session for session in sessions if not session.is_over(now_ms)]


def review(ports: Ports, doc: str) -> None:
    """End the sessions of those whom the room does not admit any more."""
    try:
        room = ports.rooms.get(doc)
    except NotFound:
        return
    for session in ports.sessions.of_room(doc):
        if not room.admits(session.person):
            end(ports, session, "removed")
