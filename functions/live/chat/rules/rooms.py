"""Rooms and who is in them.

Problem
├── NotAMember          403 not-a-member           not, or not any more, in this room
├── MayNotPost          403 may-not-post           in it, but only to read
├── NotAllowed          403 not-allowed-in-room    this takes another role there
├── RoomIsPrivate       403 room-is-private        one is invited to it
├── IsBanned            403 banned                 sent out, for good or until a day
├── Blocked             403 blocked                one of the two wants nothing of the other
├── NameTaken           409 room-name-taken        another public room is called so
├── RoomArchived        409 room-archived          it takes nothing new any more
├── RoomFull            409 room-full
├── LastOwner           409 last-owner             somebody else must be made an owner first
├── MembersFixed        409 members-fixed          a direct conversation is between those it began with
└── TooManyPins         409 too-many-pins
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tessera.problems import Problem

MAX_MEMBERS = 1_000
MAX_PINS = 50
# Of so many deleted messages and mentions of the whole room the room itself keeps the numbers.
KEPT_NUMBERS = 64
# In larger rooms a new message does not move the room up in everybody's list.
SMALL_ROOM = 200
# In larger rooms receipts are counts, and who has read is not told live.
NAMED_RECEIPTS = 50
ARCHIVED_DAYS = 30


class NotAMember(Problem):
    status, slug, title = 403, "not-a-member", "You are not in this room"


class MayNotPost(Problem):
    status, slug, title = 403, "may-not-post", "You may only read in this room"


class NotAllowed(Problem):
    status, slug, title = 403, "not-allowed-in-room", "Your role in this room does not allow it"


class RoomIsPrivate(Problem):
    status, slug, title = 403, "room-is-private", "One is invited to this room"


class IsBanned(Problem):
    status, slug, title = 403, "banned", "You were sent out of this room"


class Blocked(Problem):
    status, slug, title = 403, "blocked", "This is not possible between the two of you"


class NameTaken(Problem):
    status, slug, title = 409, "room-name-taken", "Another public room is called so"


class RoomArchived(Problem):
    status, slug, title = 409, "room-archived", "The room is archived"


class RoomFull(Problem):
    status, slug, title = 409, "room-full", "The room takes no more members"


class LastOwner(Problem):
    status, slug, title = 409, "last-owner", "A room needs an owner"


class MembersFixed(Problem):
    status, slug, title = 409, "members-fixed", "A direct conversation keeps the members it began with"


class TooManyPins(Problem):
    status, slug, title = 409, "too-many-pins", "So many messages cannot be pinned"


class Kind(StrEnum):
    PUBLIC = "public"
    PRIVATE = "private"
    DM = "dm"


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    READONLY = "readonly"
    # These two are not members: what is left of somebody who was one, or of who must not become one.
    LEFT = "left"
    BANNED = "banned"

    @property
    def is_inside(self) -> bool:
        return self not in (Role.LEFT, Role.BANNED)

    @property
    def moderates(self) -> bool:
        return self in (Role.OWNER, Role.ADMIN)


POSTING = (Role.OWNER, Role.ADMIN, Role.MEMBER)


@dataclass(frozen=True)
class Last:
    """What a list of rooms shows of the newest message."""

    n: int
    author_id: str
    text: str
    at: datetime


@dataclass(frozen=True)
class Room:
    """`rev` counts every change of the item, `version` those that whoever edits the room must have seen."""

    id: str
    kind: Kind
    name: str
    created_by: str
    created_at: datetime
    topic: str = ""
    # Whether who comes later reads what was said before.
    shows_past: bool = True
    slow_s: int = 0
    retention_days: int | None = None
    members: int = 0
    owners: int = 0
    msg_n: int = 0
    # The first number that retention has left.
    first_n: int = 1
    dels: tuple[int, ...] = ()
    room_mentions: tuple[int, ...] = ()
    pins: tuple[str, ...] = ()
    last: Last | None = None
    active_minute: int = 0
    archived_at: datetime | None = None
    # Of a direct conversation: who is in it, and who of them has blocked the other.
    dm_users: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    # When something is to be done with it: old messages trimmed, or all of an archived room taken away.
    due_at: datetime | None = None
    version: int = 1
    rev: int = 1

    @property
    def topic_name(self) -> str:
        return topic_of(self.id)


@dataclass(frozen=True)
class Mute:
    until: datetime | None = None
    mentions_only: bool = False

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until


@dataclass(frozen=True)
class Member:
    room_id: str
    user_id: str
    role: Role
    read_n: int = 0
    deliv_n: int = 0
    # Messages up to this number are not theirs to read.
    joined_n: int = 0
    joined_at: datetime | None = None
    read_at: datetime | None = None
    mute: Mute | None = None
    banned_until: datetime | None = None
    version: int = field(default=1)


def topic_of(room_id: str) -> str:
    return f"room:{room_id}"


def check_open(room: Room) -> None:
    """Raises `RoomArchived`."""
    if room.archived_at is not None:
        raise RoomArchived("It can still be read, for 30 days.")


def check_may_change(member: Member, other: Member | None, to: Role | None) -> None:
    """Whether one may give another this role, or take them out. Raises `NotAllowed`."""
    if not member.role.moderates:
        raise NotAllowed("This is for the owners and administrators of the room.")
    touches_moderation = (other is not None and other.role.moderates) or to in (Role.OWNER, Role.ADMIN)
    if touches_moderation and member.role is not Role.OWNER:
        raise NotAllowed("Only an owner decides about owners and administrators.")


def check_admin(member: Member) -> None:
    if not member.role.moderates:
        raise NotAllowed("This is for the owners and administrators of the room.")


def check_owner(member: Member) -> None:
    if member.role is not Role.OWNER:
        raise NotAllowed("This is for the owners of the room.")


def noted(numbers: tuple[int, ...], n: int) -> tuple[int, ...]:
    """The newest numbers that a room keeps, with this one, in order."""
    return tuple(sorted({*numbers, n}))[-KEPT_NUMBERS:]


def lowest_read(room: Room, member: Member) -> int:
    """Up to which number nothing can be unread: read, before one's time, or gone by retention."""
    return max(member.read_n, member.joined_n, room.first_n - 1)


def lowest_visible(room: Room, member: Member) -> int:
    """The first message that they may read."""
    return max(member.joined_n + 1, room.first_n)


def unread(room: Room, member: Member) -> int | None:
    """How many messages are unread, or None when the room does not keep enough numbers to say."""
    low = lowest_read(room, member)
    if low >= room.msg_n:
        return 0
    if len(room.dels) >= KEPT_NUMBERS and low < room.dels[0]:
        return None
    return room.msg_n - low - sum(n > low for n in room.dels)
