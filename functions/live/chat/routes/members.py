"""Who is in a room, and who wants nothing of whom."""

from typing import Annotated

from fastapi import Query

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound
from tessera.seqlog import LogContended
from tessera.types import Page

from ..actions import blocks
from ..actions import members as actions
from ..actions.access import enter, person
from ..rules.messages import refused
from ..rules.rooms import (
    Blocked,
    IsBanned,
    LastOwner,
    MembersFixed,
    NotAllowed,
    NotAMember,
    Role,
    RoomArchived,
    RoomFull,
    RoomIsPrivate,
)
from ..schemas.rooms import BlockedOut, InviteIn, MemberOut, MemberParams, MemberPatch, RoomOut
from .shared import PREFIX, TAGS, Bound, Keys, Reader, Writer, after, shown

router = Router(prefix=PREFIX, tags=TAGS)


@router.put(
    "/rooms/{room_id:ulid}/members/me",
    responses=problems(NotFound, RoomIsPrivate, IsBanned, RoomFull, RoomArchived, LogContended),
)
async def join_room(room_id: str, caller: Reader, ports: Bound) -> RoomOut:
    """Join a public room."""
    room = actions.join(ports, room_id, by=caller)
    return shown(room, ports.rooms.door(room.id, person(caller))[1])


@router.delete(
    "/rooms/{room_id:ulid}/members/me",
    status_code=204,
    responses=problems(NotFound, NotAMember, LastOwner, MembersFixed, LogContended),
)
async def leave_room(room_id: str, caller: Reader, ports: Bound) -> None:
    """Leave a room. The last owner makes somebody else one first."""
    actions.leave(ports, room_id, by=caller)


@router.get("/rooms/{room_id:ulid}/members", responses=problems(NotFound, NotAMember, InvalidCursor))
async def list_members(
    room_id: str, asked: Annotated[MemberParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[MemberOut]:
    """Who is in a room. A page may be short and still have a next one."""
    route = f"GET /chat/rooms/{room_id}/members"
    enter(ports, room_id, person(caller))
    state = keys.state(caller, route, asked, asked.cursor)
    members, following = ports.rooms.members_page(room_id, asked.limit, after(state))
    items = [MemberOut.of(one) for one in members if one.role.is_inside]
    cursor = keys.cursor(caller, route, asked, {"after": following} if following else None)
    return Page[MemberOut](items=items, next=cursor)


@router.post(
    "/rooms/{room_id:ulid}/members",
    responses=problems(
        NotFound, NotAMember, NotAllowed, InvalidRequest, RoomFull, Blocked, RoomArchived, MembersFixed, LogContended
    ),
)
async def invite_members(room_id: str, body: InviteIn, caller: Writer, ports: Bound) -> RoomOut:
    """Take people in. Who is in already, or was sent out, is passed over."""
    room = actions.invite(ports, room_id, body.user_ids, by=caller)
    return shown(room, ports.rooms.door(room.id, person(caller))[1])


@router.patch(
    "/rooms/{room_id:ulid}/members/{user_id:ulid}",
    status_code=204,
    responses=problems(
        NotFound, NotAMember, NotAllowed, InvalidRequest, LastOwner, RoomArchived, MembersFixed, LogContended
    ),
)
async def change_member(room_id: str, user_id: str, body: MemberPatch, caller: Writer, ports: Bound) -> None:
    """Give somebody another role, send them out for a time or for good, or let them come again."""
    changes = body.changes()
    if len(changes) != 1:
        raise refused("", "Name either a role or a ban.")
    if "role" in changes:
        actions.give_role(ports, room_id, user_id, Role(changes["role"]), by=caller)
    elif body.ban is None:
        actions.lift_ban(ports, room_id, user_id, by=caller)
    else:
        actions.ban(ports, room_id, user_id, body.ban.until, by=caller)


@router.delete(
    "/rooms/{room_id:ulid}/members/{user_id:ulid}",
    status_code=204,
    responses=problems(NotFound, NotAMember, NotAllowed, LastOwner, MembersFixed, LogContended),
)
async def remove_member(room_id: str, user_id: str, caller: Writer, ports: Bound) -> None:
    """Take somebody out; they may be invited again, and join a public room by themselves."""
    actions.remove(ports, room_id, user_id, by=caller)


@router.get("/blocks", responses=problems(InvalidCursor))
async def list_blocks(
    asked: Annotated[MemberParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[BlockedOut]:
    """Whom you block."""
    route = "GET /chat/blocks"
    state = keys.state(caller, route, asked, asked.cursor)
    found, following = ports.personal.blocked(person(caller), asked.limit, after(state))
    cursor = keys.cursor(caller, route, asked, {"after": following} if following else None)
    return Page[BlockedOut](items=[BlockedOut(user_id=one) for one in found], next=cursor)


@router.put("/blocks/{user_id:ulid}", status_code=204, responses=problems(InvalidRequest, LogContended))
async def block_user(user_id: str, caller: Reader, ports: Bound) -> None:
    """Want nothing of somebody: no conversation and no invitation, and what you have between you stands still."""
    blocks.block(ports, user_id, by=caller)


@router.delete("/blocks/{user_id:ulid}", status_code=204, responses=problems(LogContended))
async def unblock_user(user_id: str, caller: Reader, ports: Bound) -> None:
    """Let somebody write to you again."""
    blocks.unblock(ports, user_id, by=caller)
