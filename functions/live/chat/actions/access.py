"""Who gets into a room, and how far."""

from dataclasses import dataclass

from tessera.auth.principal import Principal
from tessera.transact import Step

from ..ports import Ports
from ..rules.rooms import Kind, Member, NotAllowed, Room, lowest_visible
from ..store.rooms import not_inside

MODERATE = "chat:moderate"


def person(caller: Principal) -> str:
    """The person behind the request, whomever they act for: it is people who talk."""
    return caller.user_id or caller.id


@dataclass(frozen=True)
class Inside:
    """A room, and somebody who may be in it."""

    room: Room
    member: Member

    @property
    def first_visible(self) -> int:
        return lowest_visible(self.room, self.member)


def enter(ports: Ports, room_id: str, user_id: str) -> Inside:
    """1 request. Raises `NotFound`, also for a private room one never was in, and `NotAMember`."""
    room, member = ports.rooms.door(room_id, user_id)
    if member is None or not member.role.is_inside:
        raise not_inside(room, member)
    return Inside(room, member)


def moderator(ports: Ports, room_id: str, caller: Principal) -> list[Step]:
    """Let pass who moderates the room: its owners and administrators, and of what is no conversation, moderators.

    The steps that come back hold somebody to what they are in the room, in whatever they do next. Raises
    `NotAllowed` and what `enter` raises.
    """
    room, member = ports.rooms.door(room_id, person(caller))
    if caller.can(MODERATE) and room.kind is not Kind.DM:
        return []
    if member is not None and member.role.moderates:
        return [ports.rooms.inside(room, member.user_id, moderates=True)]
    if member is None or not member.role.is_inside:
        raise not_inside(room, member)
    raise NotAllowed("This is for those who moderate the room.")
