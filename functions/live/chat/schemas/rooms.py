"""Bodies of rooms, members, blocks and what is unread."""

from typing import Annotated, Any, Literal

from pydantic import Field

from tessera.types import MAX_PAGE, Cursor, In, Instant, Limit, Name, Out, Params, Patch, Ulid, absent, text

from ..rules.rooms import MAX_MEMBERS, MAX_PINS, Kind, Last, Member, Mute, Role, Room
from ..rules.views import Listed, Unread

Count = Annotated[int, Field(ge=0)]
Topic = Annotated[str, text(500, min_length=0)]
Ids = Annotated[list[Ulid], Field(max_length=100)]
Slow = Annotated[int, Field(ge=0, le=21_600, description="Seconds between two messages of one member; 0 for none.")]
Days = Annotated[int, Field(ge=1, le=3_650, description="For how many days messages are kept; null for ever.")]
UserId = Annotated[str, Field(max_length=64)]


class RoomIn(In):
    """A public room is found by its name, and everybody may join; to a private one people are invited."""

    name: Name
    kind: Literal["public", "private"]
    topic: Topic = ""
    member_ids: Annotated[Ids, Field(default_factory=list)]


class DmIn(In):
    user_ids: Annotated[list[Ulid], Field(min_length=1, max_length=8)]


class RoomPatch(Patch):
    """`shows_past` is whether who comes later reads what was said before."""

    name: Name = absent()
    topic: Topic = absent()
    slow_s: Slow = absent()
    retention_days: Days | None = absent()
    shows_past: bool = absent()


class LastOut(Out):
    n: int
    author_id: UserId
    text: Annotated[str, Field(max_length=300)]
    at: Instant

    @classmethod
    def of(cls, last: Last) -> "LastOut":
        return cls(n=last.n, author_id=last.author_id, text=last.text, at=last.at)


class MuteIn(In):
    """`mentions_only` lets mentions through; without `until` it is for good."""

    until: Instant | None = None
    mentions_only: bool = False

    def mute(self) -> Mute:
        return Mute(self.until, self.mentions_only)


class MuteOut(Out):
    until: Instant | None
    mentions_only: bool

    @classmethod
    def of(cls, mute: Mute | None) -> "MuteOut | None":
        return cls(until=mute.until, mentions_only=mute.mentions_only) if mute else None


class RoomOut(Out):
    """`role` is what you are there, null for who is not in it. `user_ids` are those of a direct conversation."""

    id: Ulid
    name: Annotated[str, Field(max_length=120)]
    kind: Kind
    topic: Annotated[str, Field(max_length=500)]
    role: Role | None
    members: Count
    msg_n: Count
    first_n: Count
    slow_s: Count
    retention_days: int | None
    shows_past: bool
    pins: Annotated[list[Ulid], Field(max_length=MAX_PINS)]
    user_ids: Annotated[list[UserId], Field(max_length=9)]
    created_by: UserId
    created_at: Instant
    archived_at: Instant | None
    version: int

    @classmethod
    def of(cls, room: Room, member: Member | None) -> "RoomOut":
        return cls(**_of(room, member))


class ListedRoomOut(RoomOut):
    """A room in a list: what is unread there, how far you have read, and what was said last."""

    unread: Count
    mentions: Count
    read_n: Count
    last_message: LastOut | None
    muted: MuteOut | None

    @classmethod
    def listed(cls, one: Listed) -> "ListedRoomOut":
        return cls(
            **_of(one.room, one.member),
            unread=one.counts.unread,
            mentions=one.counts.mentions,
            read_n=one.counts.read_n,
            last_message=LastOut.of(one.room.last) if one.room.last else None,
            muted=MuteOut.of(one.member.mute),
        )

    @classmethod
    def found(cls, room: Room) -> "ListedRoomOut":
        """As the directory shows it, to whom it may be nothing yet."""
        return cls(**_of(room, None), unread=0, mentions=0, read_n=0, last_message=None, muted=None)


class RoomParams(Params):
    """Your own rooms, or with `public=1` those that everybody may join, `q` being how their names begin."""

    mine: Literal["1"] | None = None
    public: Literal["1"] | None = None
    q: Annotated[str, Field(max_length=120)] | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class MemberParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class InviteIn(In):
    user_ids: Annotated[Ids, Field(min_length=1)]


class BanIn(In):
    """Without `until` it is for good."""

    until: Instant | None = None


class MemberPatch(Patch):
    """Another role, or a ban; `ban: null` lets somebody come again."""

    role: Literal["owner", "admin", "member", "readonly"] = absent()
    ban: BanIn | None = absent()


class MemberOut(Out):
    user_id: UserId
    role: Role
    joined_at: Instant | None
    banned_until: Instant | None

    @classmethod
    def of(cls, member: Member) -> "MemberOut":
        return cls(
            user_id=member.user_id, role=member.role, joined_at=member.joined_at, banned_until=member.banned_until
        )


class UnreadRoomOut(Out):
    room_id: Ulid
    unread: Count
    mentions: Count


class UnreadOut(Out):
    """`total` leaves out what is muted, `total_all` does not; of the hundred rooms with the latest activity."""

    total: Count
    total_all: Count
    mentions: Count
    rooms: Annotated[list[UnreadRoomOut], Field(max_length=MAX_PAGE)]

    @classmethod
    def of(cls, found: Unread) -> "UnreadOut":
        rooms = [
            UnreadRoomOut(room_id=one.room.id, unread=one.counts.unread, mentions=one.counts.mentions)
            for one in found.rooms
        ]
        return cls(total=found.total, total_all=found.total_all, mentions=found.mentions, rooms=rooms)


class BlockedOut(Out):
    user_id: UserId


class ReceiptsParams(Params):
    n: Annotated[int, Field(ge=1)]


class ReceiptsOut(Out):
    """In a room of more than 50 the names are left out."""

    read: Count
    delivered: Count
    read_by: Annotated[list[UserId], Field(max_length=MAX_MEMBERS)] | None
    delivered_to: Annotated[list[UserId], Field(max_length=MAX_MEMBERS)] | None


class SearchDocsParams(Params):
    room_id: Ulid
    id: Ulid


class MembershipIn(In):
    """Without rooms, those that somebody used last are meant."""

    user_id: UserId
    room_ids: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=5)]


class SeenRoomOut(Out):
    room_id: Ulid
    first_visible: Count


class MembershipOut(Out):
    items: Annotated[list[SeenRoomOut], Field(max_length=5)]


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Count


def _of(room: Room, member: Member | None) -> dict[str, Any]:
    same = RoomOut.model_fields.keys() - {"role", "pins", "user_ids"}
    return {
        **{name: getattr(room, name) for name in same},
        "role": member.role if member else None,
        "pins": list(room.pins),
        "user_ids": list(room.dm_users),
    }
