"""Rooms and direct conversations."""

from typing import Annotated

from fastapi import Query, Response

from tessera.auth.problems import InsufficientScope
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, IfMatch, required_version, show_created, show_version
from tessera.etags import StaleVersion, VersionRequired, expected_version
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import FieldError, Gone, InvalidRequest, NotFound
from tessera.seqlog import LogContended
from tessera.types import Page

from ..actions import find, marks
from ..actions import rooms as actions
from ..actions.access import person
from ..rules.rooms import (
    Blocked,
    Kind,
    MembersFixed,
    NameTaken,
    NotAllowed,
    NotAMember,
    RoomArchived,
    RoomFull,
)
from ..schemas.rooms import (
    DmIn,
    ListedRoomOut,
    MuteIn,
    MuteOut,
    RoomIn,
    RoomOut,
    RoomParams,
    RoomPatch,
    UnreadOut,
)
from ..store.rows import mute_text
from .shared import PREFIX, TAGS, Bound, Keys, Reader, Writer, after, shown

router = Router(prefix=PREFIX, tags=TAGS)


@router.post(
    "/rooms",
    status_code=201,
    responses=problems(InvalidRequest, IdempotencyMismatch, Gone, NameTaken, Blocked, RoomFull, LogContended),
)
async def create_room(
    body: RoomIn, response: Response, caller: Writer, ports: Bound, keys: Keys, key: IdempotencyKey = None
) -> RoomOut:
    """Make a room, and take its first members in."""
    intent = keys.intent(key, caller, "POST /chat/rooms", body)
    room, replayed = actions.create(
        ports, body.name, Kind(body.kind), body.topic, body.member_ids, by=caller, intent=intent
    )
    show_created(response, location=f"{PREFIX}/rooms/{room.id}", version=room.version, replayed=replayed)
    return shown(room, ports.rooms.door(room.id, person(caller))[1])


@router.post(
    "/dms",
    status_code=201,
    responses={200: {"description": "There is one.", "model": RoomOut}, **problems(InvalidRequest, Blocked)},
)
async def open_conversation(body: DmIn, response: Response, caller: Writer, ports: Bound) -> RoomOut:
    """Open the one conversation of exactly these people: 201 when it is new, 200 when there is one."""
    room, was_there = actions.open_dm(ports, body.user_ids, by=caller)
    show_created(response, location=f"{PREFIX}/rooms/{room.id}", version=room.version, replayed=False)
    response.status_code = 200 if was_there else 201
    return shown(room, ports.rooms.door(room.id, person(caller))[1])


@router.get("/rooms", responses=problems(InvalidRequest, InvalidCursor))
async def list_rooms(
    asked: Annotated[RoomParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[ListedRoomOut]:
    """Your rooms, the latest activity first; or the directory of public rooms, by name."""
    if asked.q and not asked.public:
        told = "It searches the directory: say public=1 with it."
        raise InvalidRequest("Look at ?q.", errors=[FieldError("?q", told)])
    route = "GET /chat/rooms"
    state = keys.state(caller, route, asked, asked.cursor)
    if asked.public:
        rooms, following = find.directory(ports, asked.q or "", asked.limit, after(state))
        items = [ListedRoomOut.found(room) for room in rooms]
    else:
        listed, following = find.mine(ports, person(caller), asked.limit, after(state))
        items = [ListedRoomOut.listed(one) for one in listed]
    cursor = keys.cursor(caller, route, asked, {"after": following} if following else None)
    return Page[ListedRoomOut](items=items, next=cursor)


@router.get("/unread")
async def get_unread(caller: Reader, ports: Bound) -> UnreadOut:
    """How much is unread, altogether and in each room."""
    return UnreadOut.of(find.all_unread(ports, person(caller)))


@router.get("/rooms/{room_id:ulid}", responses=problems(NotFound, NotAMember))
async def get_room(room_id: str, response: Response, caller: Reader, ports: Bound) -> RoomOut:
    """One room."""
    room, member = find.room(ports, room_id, by=caller)
    show_version(response, room.version)
    return shown(room, member)


@router.patch(
    "/rooms/{room_id:ulid}",
    responses=problems(
        NotFound,
        NotAMember,
        NotAllowed,
        StaleVersion,
        VersionRequired,
        InvalidRequest,
        NameTaken,
        RoomArchived,
        MembersFixed,
        LogContended,
    ),
)
async def change_room(
    room_id: str, body: RoomPatch, response: Response, caller: Writer, ports: Bound, if_match: IfMatch = None
) -> RoomOut:
    """Change what is named and nothing else: for its owners and administrators."""
    room = actions.change(ports, room_id, body.changes(), required_version(if_match), by=caller)
    show_version(response, room.version)
    return shown(room, ports.rooms.door(room.id, person(caller))[1])


@router.delete(
    "/rooms/{room_id:ulid}",
    status_code=204,
    responses=problems(NotFound, NotAMember, NotAllowed, StaleVersion, MembersFixed, LogContended),
)
async def archive_room(room_id: str, caller: Writer, ports: Bound, if_match: IfMatch = None) -> None:
    """Archive a room: it can be read for 30 days, and then it is gone."""
    actions.archive(ports, room_id, expected_version(if_match, required=False), by=caller)


@router.put("/rooms/{room_id:ulid}/mute", responses=problems(NotFound, NotAMember, InvalidRequest, InsufficientScope))
async def mute_room(room_id: str, body: MuteIn, caller: Reader, ports: Bound) -> MuteOut:
    """Leave a room out of what is unread altogether."""
    marks.muted(ports, room_id, mute_text(body.mute()), by=caller)
    return MuteOut(until=body.until, mentions_only=body.mentions_only)


@router.delete("/rooms/{room_id:ulid}/mute", status_code=204, responses=problems(NotFound, NotAMember))
async def unmute_room(room_id: str, caller: Reader, ports: Bound) -> None:
    """Count a room again."""
    marks.muted(ports, room_id, None, by=caller)
