"""Bodies of rooms, sessions, and of who is online."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints

from tessera import clock
from tessera.types import In, Instant, Out, Params, Patch, Ulid, absent, text

from .rules import (
    DEFAULT_MEMBERS,
    DEFAULT_TTL_SECONDS,
    MAX_MEMBERS,
    Room,
    Session,
    Shows,
    Visibility,
    Wanted,
)
from .views import Inside, Joined, by_user

DOC = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
Doc = Annotated[str, StringConstraints(pattern=DOC, max_length=64)]
UserId = Annotated[str, Field(max_length=64)]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", max_length=7)]
Link = Annotated[str, StringConstraints(pattern=r"^https://[!-~]+$", max_length=500)]
Short = Annotated[str, text(40)]
# Places in a text are the editor's own: relative positions of a CRDT, mostly.
Place = Annotated[str, text(512)]
Share = Annotated[float, Field(ge=0, le=1)]
Clock = Annotated[
    int,
    Field(
        ge=1,
        le=2**53 - 1,
        description="The client's own clock, which only grows: milliseconds since 1970 do. What is older is ignored.",
    ),
]


class Meta(In):
    """How somebody looks to others. Their colour in the room is given to them; this one is for an avatar's edge."""

    name: Annotated[str, text(80)] | None = None
    color: Color | None = None
    avatar: Link | None = None


class Point(In):
    """A place on a surface, in shares of its width and height."""

    x: Share
    y: Share


class Span(In):
    """A place or a range in a text. The server reads neither end."""

    anchor: Place
    head: Place


class Area(In):
    """A part of a surface, in shares of its width and height."""

    x: Share
    y: Share
    width: Share
    height: Share


Cursor = Point | Span
Selection = Area | Span


class State(In):
    """All that somebody shares of themselves: what is left out is cleared."""

    cursor: Cursor | None = None
    selection: Selection | None = None
    status: Short | None = None
    data: Annotated[dict[Annotated[str, text(60)], JsonValue], Field(max_length=50)] | None = None

    def given(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class RoomIn(In):
    """`ttl_s` is for how many seconds a session lives on without a beat."""

    max_members: Annotated[int, Field(ge=1, le=MAX_MEMBERS)] = DEFAULT_MEMBERS
    visibility: Visibility = Visibility.PRIVATE
    ttl_s: Annotated[int, Field(ge=15, le=120)] = DEFAULT_TTL_SECONDS
    member_ids: Annotated[list[Ulid], Field(default_factory=list, max_length=100)]

    def wanted(self) -> Wanted:
        return Wanted(self.max_members, self.visibility, self.ttl_s, frozenset(self.member_ids))


class RoomSettingsOut(Out):
    doc: Doc
    max_members: int
    visibility: Visibility
    ttl_s: int
    member_ids: Annotated[list[Ulid], Field(max_length=100)]
    version: int

    @classmethod
    def of(cls, room: Room) -> "RoomSettingsOut":
        wanted = room.wanted
        return cls(
            doc=room.doc,
            max_members=wanted.max_members,
            visibility=wanted.visibility,
            ttl_s=wanted.ttl_s,
            member_ids=sorted(wanted.member_ids),
            version=room.version,
        )


class SessionOut(Out):
    """One device of somebody in the room. `state` is as of the last beat that said one."""

    session_id: Ulid
    user_id: UserId
    color: Color
    meta: dict[str, JsonValue]
    state: dict[str, JsonValue] | None
    v: int
    joined_at: Instant
    expires_at: Instant


class MemberOut(Out):
    user_id: UserId
    sessions: Annotated[list[SessionOut], Field(max_length=MAX_MEMBERS)]


class InsideOut(Out):
    """Everybody who is here. What the topic `doc:<doc>` says after `epoch` and `offset` is not in it yet.

    `complete` is false where so many are here that a socket's frame could not hold them: then `members` is empty, and
    the room is to be asked for by HTTP.
    """

    doc: Doc
    topic: Annotated[str, Field(max_length=80)]
    members: Annotated[list[MemberOut], Field(max_length=MAX_MEMBERS)]
    complete: bool = True
    max_members: int
    visibility: Visibility
    epoch: Annotated[str, Field(max_length=8)]
    offset: int
    as_of: Instant
    heartbeat_s: int
    ttl_s: int

    @classmethod
    def of(cls, inside: Inside) -> "InsideOut":
        return cls(**_of(inside))


class JoinIn(In):
    """`client` is what this tab or device calls itself: who joins again under it goes on with the same session."""

    client: Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=64)] | None = None
    meta: Meta = Meta()


class JoinedOut(InsideOut):
    """The session, and the room with it inside. Go on with a clock above `v`."""

    session_id: Ulid
    color: Color
    v: int
    expires_at: Instant

    @classmethod
    def joined(cls, joined: Joined) -> "JoinedOut":
        session = joined.session
        own = {"session_id": session.id, "color": session.color, "v": session.v, "expires_at": ends_at(session)}
        return cls(**_of(joined.inside), **own)


class BeatIn(In):
    """`state` is kept and told; without it the last one stands, and with null there is none."""

    v: Clock
    state: State | None = None

    @property
    def says(self) -> bool:
        return "state" in self.model_fields_set


class BeatOut(Out):
    expires_at: Instant


class MoveIn(Patch):
    """What is left out stays as it was; null clears. Nothing of it is kept: the next beat says where one is."""

    cursor: Cursor | None = absent()
    selection: Selection | None = absent()
    status: Short | None = absent()
    v: Clock = absent()

    def patch(self) -> dict[str, Any]:
        found = self.model_dump(exclude_unset=True)
        found.pop("v", None)
        return found


class MovedOut(Out):
    """Where it was not told because the last was told a moment ago, say the newest again in `again_ms`."""

    told: bool
    again_ms: int
    v: int


class PeopleParams(Params):
    ids: Annotated[list[Ulid], Field(min_length=1, max_length=100, description="To be repeated.")]


class SeenOut(Out):
    """Null is what they do not show."""

    user_id: UserId
    online: bool | None
    last_seen: Instant | None
    devices: int | None


class PeopleOut(Out):
    """In the order they were asked for: as many as that, so there is one page."""

    items: Annotated[list[SeenOut], Field(max_length=100)]


class ShowsIn(In):
    shows: Shows


class ShowsOut(Out):
    """`everything`; `online` without since when; or `nothing`. You yourself see all."""

    shows: Shows


class JoinCall(In):
    doc: Doc
    client: Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=64)] | None = None
    meta: Meta = Meta()


class OfSession(In):
    doc: Doc
    session_id: Ulid


class BeatCall(BeatIn):
    doc: Doc
    session_id: Ulid


class MoveCall(MoveIn):
    doc: Doc
    session_id: Ulid

    def patch(self) -> dict[str, Any]:
        return {name: value for name, value in super().patch().items() if name not in ("doc", "session_id")}


class _Call(In):
    """What a connected client has asked the hub for, and the name of its connection."""

    client: Annotated[str, Field(max_length=36)] = ""


class JoinRpc(_Call):
    method: Literal["presence.join"]
    data: JoinCall


class BeatRpc(_Call):
    method: Literal["presence.beat"]
    data: BeatCall


class MoveRpc(_Call):
    method: Literal["presence.cursor"]
    data: MoveCall


class LeaveRpc(_Call):
    method: Literal["presence.leave"]
    data: OfSession


class RpcOut(Out):
    result: dict[str, JsonValue]


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Annotated[int, Field(ge=0)]


def ends_at(session: Session) -> Any:
    return clock.from_millis(session.ends_ms)


def _of(inside: Inside) -> dict[str, Any]:
    return {
        "doc": inside.room.doc,
        "topic": inside.room.topic,
        "members": by_user(inside.sessions),
        "max_members": inside.room.wanted.max_members,
        "visibility": inside.room.wanted.visibility,
        "epoch": inside.epoch,
        "offset": inside.offset,
        "as_of": clock.from_millis(inside.as_of_ms),
        "heartbeat_s": inside.room.heartbeat_s,
        "ttl_s": inside.room.wanted.ttl_s,
    }
