"""Who is in a room: joining, inviting, roles, leaving, sending out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tessera import clock
from tessera.auth.principal import Principal
from tessera.problems import NotFound
from tessera.seqlog import Appended
from tessera.transact import Step

from .. import events
from ..ports import Ports
from ..rules.rooms import (
    ARCHIVED_DAYS,
    MAX_MEMBERS,
    Blocked,
    IsBanned,
    Kind,
    LastOwner,
    Member,
    MembersFixed,
    NotAMember,
    Role,
    Room,
    RoomFull,
    RoomIsPrivate,
    check_admin,
    check_may_change,
    check_open,
)
from ..store.rooms import not_inside
from .access import enter, person
from .commit import Plan, Told, commit

# A transaction takes a hundred steps, and a new member is two of them.
AT_ONCE = 40
PERMISSIONS = "shr"


def join(ports: Ports, room_id: str, *, by: Principal) -> Room:
    """In a public room. Who is in already stays what they are. Raises `RoomIsPrivate`, `IsBanned`, `RoomFull`."""
    user_id = person(by)

    def decide(room: Room) -> tuple[Plan, Room]:
        before = ports.rooms.members(room.id, [user_id]).get(user_id)
        if before is not None and before.role.is_inside:
            raise _Inside(room)
        if room.kind is not Kind.PUBLIC:
            if before is None:
                raise not_inside(room, None)
            raise RoomIsPrivate("Ask somebody in it to invite you.")
        check_open(room)
        check_not_banned(before)
        return _entry(ports, room, {user_id: before}, by=user_id, change="joined")

    try:
        return commit(ports, room_id, decide)
    except _Inside as there:
        return there.room


class _Inside(Exception):
    def __init__(self, room: Room) -> None:
        super().__init__("They are in the room.")
        self.room = room


def check_not_banned(before: Member | None) -> None:
    if before is None or before.role is not Role.BANNED:
        return
    if before.banned_until is None:
        raise IsBanned("For good, as it stands.")
    if clock.now() < before.banned_until:
        raise IsBanned(f"Until {clock.rfc3339(before.banned_until)}.")


def invite(ports: Ports, room_id: str, user_ids: Sequence[str], *, by: Principal) -> Room:
    """Take these in; who is in already, or was sent out, is passed over. Raises `NotAllowed`, `RoomFull`, `Blocked`."""
    user_id = person(by)
    inside = enter(ports, room_id, user_id)
    if inside.room.kind is Kind.DM:
        raise MembersFixed("Open another conversation with all of you.")
    check_admin(inside.member)
    wanted = [one for one in dict.fromkeys(user_ids) if one != user_id]
    if ports.personal.blockers(user_id, wanted):
        raise Blocked("Somebody among them wants nothing of you.")
    room = inside.room
    for start in range(0, len(wanted), AT_ONCE):
        room = _invite(ports, room_id, wanted[start : start + AT_ONCE], user_id)
    return room


def _invite(ports: Ports, room_id: str, user_ids: Sequence[str], user_id: str) -> Room:
    def decide(room: Room) -> tuple[Plan, Room]:
        check_open(room)
        known = ports.rooms.members(room.id, user_ids)
        out = {one: known.get(one) for one in user_ids if one not in known or known[one].role is Role.LEFT}
        if not out:
            raise _Inside(room)
        return _entry(ports, room, out, by=user_id, change="invited", held_by=user_id)

    try:
        return commit(ports, room_id, decide)
    except _Inside as there:
        return there.room


def _entry(
    ports: Ports, room: Room, entering: dict[str, Member | None], *, by: str, change: str, held_by: str | None = None
) -> tuple[Plan, Room]:
    """These are members from now on: what was said before is read, and visible where the room shows its past."""
    if room.members + len(entering) > MAX_MEMBERS:
        raise RoomFull(f"A room has at most {MAX_MEMBERS} members.")
    now = clock.now()
    after = replace(room, members=room.members + len(entering))
    joined_n = 0 if room.shows_past else room.msg_n
    seats = {
        one: Member(room.id, one, Role.MEMBER, read_n=room.msg_n, deliv_n=room.msg_n, joined_n=joined_n, joined_at=now)
        for one in entering
    }
    event = events.MembersChanged(room_id=room.id, by=by, change=change, members=list(entering))

    def steps(made: Appended) -> Sequence[Step]:
        kept = [ports.rooms.turning(room, after, event)]
        kept += [ports.rooms.seating(seat, entering[one], room.active_minute) for one, seat in seats.items()]
        kept += [ports.live.granting(room.topic_name, one, PERMISSIONS) for one in entering]
        return [*kept, *([ports.rooms.inside(room, held_by, moderates=True)] if held_by else [])]

    told = {"users": list(entering), "change": change, "by": by, "members": after.members}
    return Plan([Told("member", told)], steps, after), after


def leave(ports: Ports, room_id: str, *, by: Principal) -> None:
    """Raises `LastOwner` while others are left without one, `MembersFixed` in a conversation."""
    user_id = person(by)
    inside = enter(ports, room_id, user_id)
    if inside.room.kind is Kind.DM:
        raise MembersFixed("Mute it instead.")
    take_out(ports, room_id, user_id, by=user_id, change="left", role=Role.LEFT)


def take_out(
    ports: Ports,
    room_id: str,
    user_id: str,
    *,
    by: str,
    change: str,
    role: Role,
    until: datetime | None = None,
    check: Callable[[Member | None], None] = lambda other: None,
    held_by: str | None = None,
    more: Sequence[Step] = (),
    by_force: bool = False,
) -> None:
    """Somebody is out from this place of the log on: nothing of theirs comes after it, and nothing reaches them.

    `by_force` lets the last owner go, as whoever deletes their account does.
    """

    def decide(room: Room) -> tuple[Plan, None]:
        before = ports.rooms.members(room.id, [user_id]).get(user_id)
        check(before)
        was_inside = before is not None and before.role.is_inside
        if not was_inside and change in ("left", "removed"):
            raise NotFound("There is no such member.")
        owners = room.owners - int(before is not None and before.role is Role.OWNER)
        if room.kind is not Kind.DM and owners == 0 and room.owners and room.members > 1 and not by_force:
            raise LastOwner("Make somebody else an owner first.")
        after = replace(room, members=room.members - int(was_inside), owners=owners)
        if after.members == 0 and room.archived_at is None:
            # Nobody is left who could read it.
            after = archived(after, clock.now())
        gone = Member(
            room.id, user_id, role, read_n=before.read_n if before else 0, banned_until=until if until else None
        )
        event = events.MembersChanged(room_id=room.id, by=by, change=change, members=[user_id])

        def steps(made: Appended) -> Sequence[Step]:
            kept = [
                ports.rooms.turning(room, after, event),
                ports.rooms.seating(gone, before, room.active_minute),
                ports.live.revoking(room.topic_name, user_id),
                *more,
            ]
            return [*kept, *([ports.rooms.inside(room, held_by, moderates=True)] if held_by else [])]

        told = {"users": [user_id], "change": change, "by": by, "members": after.members}
        return Plan([Told("member", told)], steps, after), None

    commit(ports, room_id, decide)


def archived(room: Room, now: datetime) -> Room:
    """The room as it takes nothing new any more, until it is taken away."""
    return replace(room, archived_at=now, due_at=now + timedelta(days=ARCHIVED_DAYS), version=room.version + 1)


def remove(ports: Ports, room_id: str, user_id: str, *, by: Principal) -> None:
    """Raises `NotAllowed`, `LastOwner`, `NotFound`."""
    me = _may_send_out(ports, room_id, user_id, by)
    take_out(
        ports,
        room_id,
        user_id,
        by=me.user_id,
        change="removed",
        role=Role.LEFT,
        check=lambda other: check_may_change(me, other, None),
        held_by=me.user_id,
    )


def ban(ports: Ports, room_id: str, user_id: str, until: datetime | None, *, by: Principal) -> None:
    """Send somebody out, or keep out who never was in: until a day, or for good."""
    me = _may_send_out(ports, room_id, user_id, by)
    take_out(
        ports,
        room_id,
        user_id,
        by=me.user_id,
        change="banned",
        role=Role.BANNED,
        until=until,
        check=lambda other: check_may_change(me, other, None),
        held_by=me.user_id,
    )


def _may_send_out(ports: Ports, room_id: str, user_id: str, by: Principal) -> Member:
    inside = enter(ports, room_id, person(by))
    if inside.room.kind is Kind.DM:
        raise MembersFixed("Block them instead.")
    check_admin(inside.member)
    if user_id == person(by):
        raise NotAMember("To go, leave.")
    return inside.member


def lift_ban(ports: Ports, room_id: str, user_id: str, *, by: Principal) -> None:
    """Let somebody come again. Nothing happens to who is not banned."""
    me = _may_send_out(ports, room_id, user_id, by)
    other = ports.rooms.members(room_id, [user_id]).get(user_id)
    if other is None or other.role is not Role.BANNED:
        return
    take_out(
        ports,
        room_id,
        user_id,
        by=me.user_id,
        change="unbanned",
        role=Role.LEFT,
        check=_must_be_banned,
        held_by=me.user_id,
    )


def _must_be_banned(other: Member | None) -> None:
    if other is None or other.role is not Role.BANNED:
        raise NotFound("They are not banned.")


def give_role(ports: Ports, room_id: str, user_id: str, role: Role, *, by: Principal) -> Member:
    """Raises `NotAllowed`, `LastOwner`, `NotFound`."""
    me = enter(ports, room_id, person(by))
    if me.room.kind is Kind.DM:
        raise MembersFixed("In a conversation all are alike.")
    check_admin(me.member)

    def decide(room: Room) -> tuple[Plan, Member]:
        check_open(room)
        known = ports.rooms.members(room.id, [user_id, me.member.user_id])
        other, mine = known.get(user_id), known.get(me.member.user_id)
        if other is None or not other.role.is_inside:
            raise NotFound("There is no such member.")
        check_may_change(mine or me.member, other, role)
        owners = room.owners + int(role is Role.OWNER) - int(other.role is Role.OWNER)
        if owners == 0:
            raise LastOwner("Make somebody else an owner first.")
        after, now_is = replace(room, owners=owners), replace(other, role=role)
        event = events.MembersChanged(room_id=room.id, by=me.member.user_id, change="role", members=[user_id])

        def steps(made: Appended) -> Sequence[Step]:
            kept = [ports.rooms.turning(room, after, event)]
            kept += [ports.rooms.giving_role(other, role)]
            if me.member.user_id != user_id:
                kept.append(ports.rooms.inside(room, me.member.user_id, moderates=True))
            return kept

        told = {"users": [user_id], "change": "role", "role": role.value, "by": me.member.user_id}
        return Plan([Told("member", {**told, "members": after.members})], steps, after), now_is

    return commit(ports, room_id, decide)
