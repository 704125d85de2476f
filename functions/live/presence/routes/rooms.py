"""Rooms of documents, and the sessions in them."""

from fastapi import Response

from tessera.entry import Router, problems
from tessera.entry.headers import IfMatch, show_created, show_version
from tessera.etags import StaleVersion, expected_version
from tessera.problems import InvalidRequest, NotFound
from tessera.seqlog import LogContended

from ..actions import join, leave, rooms, states
from ..actions.access import person_of
from ..rules import (
    DocumentTaken,
    NotYourSession,
    RoomFull,
    SessionExpired,
    StaleClock,
    TooLarge,
    TooManyDevices,
    TooManyInside,
)
from ..schemas import (
    BeatIn,
    BeatOut,
    InsideOut,
    JoinedOut,
    JoinIn,
    MovedOut,
    MoveIn,
    RoomIn,
    RoomSettingsOut,
    ends_at,
)
from .given import PREFIX, TAGS, Bound, Doc, Mover, Reader, Writer

router = Router(prefix=f"{PREFIX}/rooms", tags=TAGS)


@router.put(
    "/{doc}",
    responses={
        201: {"description": "It is new.", "model": RoomSettingsOut},
        **problems(InvalidRequest, NotFound, DocumentTaken, TooManyInside, StaleVersion),
    },
)
async def put_room(
    doc: Doc, body: RoomIn, response: Response, caller: Writer, ports: Bound, if_match: IfMatch = None
) -> RoomSettingsOut:
    """Make the room of a document, which is yours from then on, or change it."""
    expect = expected_version(if_match, required=False)
    by = person_of(caller)
    room, is_new = rooms.put(ports, doc, body.wanted(), expect=expect, may_make=if_match is None, by=by)
    show_version(response, room.version)
    response.status_code = 201 if is_new else 200
    return RoomSettingsOut.of(room)


@router.get("/{doc}", responses=problems(InvalidRequest, NotFound))
async def get_room(doc: Doc, response: Response, caller: Reader, ports: Bound) -> InsideOut:
    """Who is here now, everybody once with all their devices."""
    found = join.look(ports, doc, by=person_of(caller))
    show_version(response, found.room.version)
    return InsideOut.of(found)


@router.post(
    "/{doc}/sessions",
    status_code=201,
    responses={
        200: {"description": "It is the session of this client, which goes on.", "model": JoinedOut},
        **problems(InvalidRequest, NotFound, RoomFull, TooManyDevices, TooLarge, LogContended),
    },
)
async def join_room(doc: Doc, body: JoinIn, response: Response, caller: Writer, ports: Bound) -> JoinedOut:
    """Come in. From then on `doc:<doc>` may be listened to; subscribe from the position in the answer."""
    asked = join.Asked(body.meta.model_dump(exclude_none=True), body.client or "")
    joined = join.join(ports, doc, asked, by=person_of(caller))
    location = f"{PREFIX}/rooms/{doc}/sessions/{joined.session.id}"
    show_created(response, location=location, version=1, replayed=False)
    response.status_code = 201 if joined.is_new else 200
    return JoinedOut.joined(joined)


@router.put(
    "/{doc}/sessions/{session_id:ulid}/beat",
    responses=problems(InvalidRequest, NotFound, SessionExpired, NotYourSession, StaleClock, TooLarge),
)
async def beat(doc: Doc, session_id: str, body: BeatIn, caller: Writer, ports: Bound) -> BeatOut:
    """Say that you are still here, every 15 seconds, and what your state is."""
    said = states.Beat(body.v, body.state.given() if body.state else None, body.says)
    return BeatOut(expires_at=ends_at(states.beat(ports, doc, session_id, said, by=person_of(caller))))


@router.patch(
    "/{doc}/sessions/{session_id:ulid}",
    responses=problems(InvalidRequest, NotFound, SessionExpired, NotYourSession, TooLarge),
)
async def move(doc: Doc, session_id: str, body: MoveIn, caller: Mover, ports: Bound) -> MovedOut:
    """Show where your cursor and selection are. It is told ten times a second at most, and kept nowhere."""
    v = body.v if "v" in body.model_fields_set else None
    moved = states.move(ports, doc, session_id, body.patch(), v, by=person_of(caller))
    return MovedOut(told=moved.told, again_ms=moved.again_ms, v=moved.v)


@router.delete(
    "/{doc}/sessions/{session_id:ulid}",
    status_code=204,
    responses=problems(InvalidRequest, NotFound, NotYourSession, LogContended),
)
async def leave_room(doc: Doc, session_id: str, caller: Writer, ports: Bound) -> None:
    """Leave. Asked again, it is done already."""
    leave.leave(ports, doc, session_id, by=person_of(caller))
