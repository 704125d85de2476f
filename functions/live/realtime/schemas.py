"""Bodies and parameters of the hub's HTTP side."""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, StringConstraints, model_validator

from tessera.types import In, Instant, Out, Params, Ulid

# Any text of a topic's length: which topics there are is said by the answer.
Topic = Annotated[str, StringConstraints(min_length=1, max_length=160)]
Epoch = Annotated[str, StringConstraints(pattern=r"^([a-z2-7]{8})?$", max_length=8)]
Offset = Annotated[int, Field(ge=0, le=10**15)]
Client = Annotated[str, Field(max_length=36, description="The name that a connection was given when it was made.")]
User = Annotated[str, Field(max_length=26)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[ -~]+$")]
TagName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]+$", min_length=1, max_length=40)]
# Other capabilities tag as they like, within an entry.
TagText = Annotated[str, Field(max_length=1_000)]
Tags = Annotated[dict[TagName, Annotated[str, StringConstraints(min_length=0, max_length=200)]], Field(max_length=10)]
_ONE_POSITION = r"^(([a-z2-7]{8})?:[0-9]{1,16})?$"
PositionText = Annotated[
    str,
    StringConstraints(pattern=_ONE_POSITION, max_length=25),
    Field(description="`{epoch}:{offset}` as the last answer said; empty for a topic that nothing is known of yet."),
]
LAST_EVENT_ID = r"^([a-z2-7]{8})?:[0-9]{1,16}(,([a-z2-7]{8})?:[0-9]{1,16}){0,9}$"


class PublishIn(In):
    topic: Topic
    data: JsonValue
    tags: Tags = Field(default_factory=dict)
    idempotency_key: Key | None = None


class BroadcastIn(In):
    topics: Annotated[list[Topic], Field(min_length=1, max_length=100)]
    data: JsonValue
    tags: Tags = Field(default_factory=dict)
    idempotency_key: Key | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.topics)) != len(self.topics):
            raise ValueError("name each topic once")
        return self


class PlacedOut(Out):
    epoch: Epoch
    offset: Offset


class ProblemOut(Out):
    """As the same publication on its own would have been refused."""

    type: Annotated[str, Field(max_length=100)]
    title: Annotated[str, Field(max_length=200)]
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[str, Field(max_length=500)]


class TopicPlacedOut(Out):
    """Where it stands in this topic, or why it does not."""

    topic: Topic
    placed: PlacedOut | None = None
    problem: ProblemOut | None = None


class BroadcastOut(Out):
    results: Annotated[list[TopicPlacedOut], Field(max_length=100)]


class HistoryParams(Params):
    since_offset: Offset | None = None
    since_epoch: Epoch | None = None
    limit: Annotated[int, Field(ge=0, le=100, description="0 asks for the position alone.")] = 50
    reverse: Annotated[bool, Field(description="The newest first, before the position instead of behind it.")] = False

    @model_validator(mode="after")
    def _whole_position(self) -> Self:
        if (self.since_offset is None) != (self.since_epoch is None):
            raise ValueError("a position is since_epoch and since_offset together")
        return self


class SaidBy(Out):
    """Who published it, where a client did."""

    client: Client | None = None
    user: User | None = None


class EntryOut(Out):
    data: JsonValue = Field(description="What was published; null for what was erased, whose tags say so.")
    offset: Offset
    tags: dict[str, TagText] = Field(default_factory=dict)
    info: SaidBy | None = None


class HistoryOut(Out):
    items: Annotated[list[EntryOut], Field(max_length=100)]
    epoch: Epoch
    offset: Annotated[int, Field(ge=0, description="Of the newest entry; 0 before there is any.")]
    floor: Annotated[int, Field(ge=1, description="Of the oldest entry that can still be read.")]


class PresentOut(Out):
    client: Client
    user: User | None = None


class PresenceOut(Out):
    presence: dict[str, PresentOut]


class PresenceStatsOut(Out):
    num_clients: Annotated[int, Field(ge=0)]
    num_users: Annotated[int, Field(ge=0)]


class StreamParams(Params):
    topic: Annotated[
        list[Topic], Field(max_length=10, description="To be repeated. With a ticket, its topics if none is named.")
    ] = Field(default_factory=list)
    pos: Annotated[list[PositionText], Field(max_length=10, description="One for each topic, in their order.")] = Field(
        default_factory=list
    )
    wait: Annotated[float, Field(ge=0, le=25, description="Seconds to wait for something to tell.")] = 25
    ticket: Annotated[str, Field(max_length=200, description="Instead of a token, from `POST /realtime/tickets`.")] = ""

    @model_validator(mode="after")
    def _positions_of_topics(self) -> Self:
        if len(set(self.topic)) != len(self.topic):
            raise ValueError("name each topic once")
        if self.pos and self.topic and len(self.pos) != len(self.topic):
            raise ValueError("send as many positions as topics, or none")
        return self


class PollParams(StreamParams):
    wait: Annotated[float, Field(ge=0, le=25, description="Seconds to wait for something to tell.")] = 0


class TopicNewsOut(Out):
    epoch: Epoch
    offset: Annotated[int, Field(ge=0, description="The position to ask from next time.")]
    recovered: Annotated[bool, Field(description="Whether nothing is missing between the asked position and this.")]
    publications: Annotated[list[EntryOut], Field(max_length=50)]


class PollOut(Out):
    topics: dict[str, TopicNewsOut]


class TicketIn(In):
    topics: Annotated[list[Topic], Field(min_length=1, max_length=10)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.topics)) != len(self.topics):
            raise ValueError("name each topic once")
        return self


class TicketOut(Out):
    """Used within `expires_in` seconds, it is good for an hour: for the same session, and these topics alone."""

    ticket: Annotated[str, Field(max_length=200)]
    expires_in: Annotated[int, Field(ge=1)]


class LimitsOut(Out):
    frame_bytes: int
    topics_per_connection: int
    topics_per_poll: int
    wait_seconds: int
    history_entries: int
    publish_bytes: int
    connections_per_user: int


class ConfigOut(Out):
    ws_url: Annotated[str, Field(max_length=500)]
    sse_url: Annotated[str, Field(max_length=500)]
    poll_url: Annotated[str, Field(max_length=500)]
    limits: LimitsOut
    ping: Annotated[int, Field(ge=25, le=300, description="Seconds within which a socket hears a ping.")]


class ConnectionParams(Params):
    user: Ulid


class ConnectionOut(Out):
    client: Client
    user: Ulid
    state: Literal["ready", "closing"]
    topics: Annotated[int, Field(ge=0, description="How many it listens to besides its user's own.")]
    opened_at: Instant
    heard_at: Instant
    expires_at: Instant | None


class ConnectionsOut(Out):
    """All of the user's: there are at most as many as the limits say, so there is one page."""

    items: Annotated[list[ConnectionOut], Field(max_length=100)]


class UnsubscribeIn(In):
    user: Ulid


class TopicTokenIn(In):
    """Good for ten minutes unless said otherwise; its client asks for another one before."""

    user: Ulid
    expires_in: Annotated[int, Field(ge=10, le=3_600)] = 600


class TopicTokenOut(Out):
    token: Annotated[str, Field(max_length=4_096)]
    expires_at: Instant


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Annotated[int, Field(ge=0)]
