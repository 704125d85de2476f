"""Rooms: made, opened between a few, changed, archived."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tessera import clock, ids
from tessera.auth.principal import Principal
from tessera.etags import StaleVersion
from tessera.idempotency import Intent
from tessera.seqlog import Appended
from tessera.transact import Step, transact

from .. import events
from ..ports import Ports
from ..rules.messages import refused
from ..rules.rooms import (
    Blocked,
    Kind,
    Member,
    MembersFixed,
    Role,
    Room,
    check_admin,
    check_open,
    check_owner,
    topic_of,
)
from ..store.personal import DmExists
from .access import enter, person
from .commit import Plan, Told, commit, this_minute
from .members import AT_ONCE, PERMISSIONS, archived, invite


def create(
    ports: Ports, name: str, kind: Kind, topic: str, member_ids: Sequence[str], *, by: Principal, intent: Intent
) -> tuple[Room, bool]:
    """A room with its owner and first members. 1 request, and 1 for every further 40 members. Raises `NameTaken`."""
    user_id, now = person(by), clock.now()
    others = [one for one in dict.fromkeys(member_ids) if one != user_id]
    if ports.personal.blockers(user_id, others):
        raise Blocked("Somebody among them wants nothing of you.")
    first, rest = others[: AT_ONCE - 1], others[AT_ONCE - 1 :]
    room = Room(
        id=intent.id,
        kind=kind,
        name=name,
        topic=topic,
        created_by=user_id,
        created_at=now,
        shows_past=kind is Kind.PUBLIC,
        members=1 + len(first),
        owners=1,
        active_minute=this_minute(),
    )
    seats = [Member(room.id, user_id, Role.OWNER, joined_at=now)]
    seats += [Member(room.id, one, Role.MEMBER, joined_at=now) for one in first]
    event = events.RoomCreated(room_id=room.id, room_kind=kind.value, by=user_id, members=first)
    made, replayed = ports.rooms.create(room, intent, seats, granting(ports, room.id, [user_id, *first]), event)
    if rest and made.members < 1 + len(others):
        # Also for a request that died halfway the last time.
        made = invite(ports, made.id, rest, by=by)
    return made, replayed


def open_dm(ports: Ports, user_ids: Sequence[str], *, by: Principal) -> tuple[Room, bool]:
    """The one conversation of exactly these people, and whether it was there. Raises `Blocked`. 2 requests."""
    user_id, now = person(by), clock.now()
    people = sorted({user_id, *user_ids})
    if len(people) < 2:
        raise refused("/user_ids", "A conversation is with somebody else.")
    known = ports.personal.dm_of(people)
    if known is not None:
        return ports.rooms.room(known, fresh=True), True
    others = [one for one in people if one != user_id]
    room = Room(
        id=ids.new(),
        kind=Kind.DM,
        name="",
        created_by=user_id,
        created_at=now,
        members=len(people),
        active_minute=this_minute(),
        dm_users=tuple(people),
    )
    event = events.RoomCreated(room_id=room.id, room_kind=room.kind.value, by=user_id, members=others)
    unblocked = [ports.personal.not_blocking(a, b) for one in others for a, b in ((one, user_id), (user_id, one))]
    seats = [Member(room.id, one, Role.MEMBER, joined_at=now) for one in people]
    try:
        transact(
            ports.personal.opening(people, room.id),
            *unblocked,
            ports.rooms.putting_room(room, event),
            *(ports.rooms.seating(one, None, room.active_minute) for one in seats),
            *granting(ports, room.id, people),
        )
    except DmExists as there:
        return ports.rooms.room(there.room_id, fresh=True), True
    return ports.rooms.remember(room), False


def change(ports: Ports, room_id: str, changes: dict[str, Any], expect: int | None, *, by: Principal) -> Room:
    """The room with what is named changed. Raises `NotAllowed`, `NameTaken`, `StaleVersion`."""
    inside = enter(ports, room_id, person(by))
    if inside.room.kind is Kind.DM:
        raise MembersFixed("A direct conversation has no name and no settings.")
    check_admin(inside.member)

    def decide(room: Room) -> tuple[Plan, Room]:
        check_open(room)
        if expect is not None and room.version != expect:
            raise StaleVersion(f"You read version {expect}; it is at {room.version} now. Read it again.")
        after = replace(room, **changes, version=room.version + 1)
        if "retention_days" in changes:
            after = replace(after, due_at=None if after.retention_days is None else clock.now() + timedelta(hours=1))
        is_renamed = room.kind is Kind.PUBLIC and after.name != room.name
        event = events.RoomChanged(room_id=room.id, by=person(by), changed=sorted(changes))

        def steps(made: Appended) -> Sequence[Step]:
            kept = [ports.rooms.turning(room, after, event), ports.rooms.inside(room, person(by), moderates=True)]
            return [*kept, *(ports.rooms.renaming(room, after) if is_renamed else [])]

        return Plan([Told("room", {**changes, "version": after.version})], steps, after), after

    return commit(ports, room_id, decide)


def archive(ports: Ports, room_id: str, expect: int | None, *, by: Principal) -> None:
    """Let a room take nothing new; in 30 days it is gone. Asking again changes nothing."""
    inside = enter(ports, room_id, person(by))
    if inside.room.kind is Kind.DM:
        raise MembersFixed("A direct conversation is not deleted for the others. Mute it instead.")
    check_owner(inside.member)
    if inside.room.archived_at is not None:
        return

    def decide(room: Room) -> tuple[Plan, None]:
        check_open(room)
        if expect is not None and room.version != expect:
            raise StaleVersion(f"You read version {expect}; it is at {room.version} now. Read it again.")
        now = clock.now()
        after = archived(room, now)
        event = events.RoomArchived(room_id=room.id, by=person(by))

        def steps(made: Appended) -> Sequence[Step]:
            return [ports.rooms.turning(room, after, event), ports.rooms.owning(room.id, inside.member.user_id)]

        return Plan([Told("room", {"archived_at": clock.rfc3339(now), "version": after.version})], steps, after), None

    commit(ports, room_id, decide)


def granting(ports: Ports, room_id: str, user_ids: Sequence[str]) -> list[Step]:
    return [ports.live.granting(topic_of(room_id), one, PERMISSIONS) for one in user_ids]
