"""Bodies of sending, of types and their templates, and of running it all."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from tessera.types import Cursor, In, Instant, Limit, Out, Params, Ulid, text

from .rules.kinds import Cadence, Channel, Collapse, Priority, State
from .schemas import Locale, TypeName

MAX_RECIPIENTS = 500
Topic = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*$", min_length=1, max_length=80)]
Key = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", min_length=1, max_length=100)]
Data = Annotated[dict[Annotated[str, Field(max_length=40)], Any], Field(default_factory=dict, max_length=50)]
Channels = Annotated[list[Channel], Field(max_length=5)]
Template = Annotated[str, text(50_000, min_length=0, multiline=True)]
Schema = Annotated[dict[str, Any], Field(max_length=10)]
Short = Annotated[str, Field(max_length=100)]


class SendIn(In):
    """`recipients` are users; a `topic` is who subscribes to it. One of the two."""

    type: TypeName
    recipients: Annotated[list[Ulid], Field(min_length=1, max_length=MAX_RECIPIENTS)] | None = None
    topic: Topic | None = None
    data: Data
    channels: Annotated[list[Channel], Field(min_length=1, max_length=5)] | None = None
    priority: Priority = "normal"
    send_at: Instant | None = None
    expires_at: Instant | None = None
    dedupe_key: Key | None = None
    actor_id: Ulid | None = None

    @model_validator(mode="after")
    def _to_somebody(self) -> "SendIn":
        if (self.recipients is None) == (self.topic is None):
            raise ValueError("Name `recipients` or a `topic`.")
        if self.send_at and self.expires_at and self.expires_at <= self.send_at:
            raise ValueError("`expires_at` must be after `send_at`.")
        return self


class AcceptedOut(Out):
    """`accepted` counts recipients; of a topic they are counted when it is sent."""

    batch_id: Ulid
    accepted: int


class BatchOut(Out):
    """`channels` counts by channel and state, `skipped` those who were told nothing at all, by why."""

    id: Ulid
    type: TypeName
    state: Literal["scheduled", "running", "done", "cancelled"]
    priority: Priority
    recipients: int
    created_at: Instant
    send_at: Instant
    channels: dict[Channel, dict[State, int]]
    skipped: dict[Short, int]


class SubscribersIn(In):
    user_ids: Annotated[list[Ulid], Field(min_length=1, max_length=50)]


class TypeIn(In):
    """`schema` is JSON Schema of the data; `fallback` are minutes after which a channel is used if nobody has read."""

    title: Annotated[str, text(120)]
    description: Annotated[str, text(500, min_length=0)] = ""
    data_schema: Annotated[Schema, Field(alias="schema")]
    channels: Channels
    mandatory: Annotated[Channels, Field(default_factory=list)]
    cadence: Cadence = "instant"
    collapse: Collapse = "once"
    fallback: Annotated[
        dict[Channel, Annotated[int, Field(ge=1, le=10_080)]], Field(default_factory=dict, max_length=4)
    ]


class TemplateIn(In):
    """A mail's `title` is its subject; without `html` its page is made of the `body`."""

    title: Template = ""
    body: Template = ""
    link: Template = ""
    html: Template = ""


class TemplateOut(Out):
    title: Annotated[str, Field(max_length=50_000)]
    body: Annotated[str, Field(max_length=50_000)]
    link: Annotated[str, Field(max_length=50_000)]
    html: Annotated[str, Field(max_length=200_000)]


class VersionOut(Out):
    channel: Channel
    locale: Annotated[str, Field(max_length=20)]
    number: int
    published: bool
    by: Short | None
    at: Instant | None
    template: TemplateOut


class TypeOut(Out):
    name: TypeName
    title: Annotated[str, Field(max_length=120)]
    description: Annotated[str, Field(max_length=500)]
    data_schema: Annotated[Schema, Field(serialization_alias="schema")]
    channels: Channels
    mandatory: Channels
    cadence: Cadence
    collapse: Collapse
    fallback: dict[Channel, int]
    templates: Annotated[list[VersionOut], Field(max_length=5_000)]


class RollbackIn(In):
    version: Annotated[int, Field(ge=1, le=99_999)]


class PublishedOut(Out):
    version: int


class TypePreviewIn(In):
    """Without a `template`, the one in use is shown."""

    channel: Channel
    locale: Locale = "en"
    data: Data
    template: TemplateIn | None = None


class RenderedOut(Out):
    """`segments` is how many parts an SMS is sent in."""

    title: Annotated[str, Field(max_length=300)]
    body: Annotated[str, Field(max_length=2_000)]
    link: Annotated[str, Field(max_length=2_000)]
    html: Annotated[str, Field(max_length=300_000)]
    segments: int | None = None


class DeliveryParams(Params):
    user: Ulid | None = None
    type: TypeName | None = None
    state: State | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class DeadParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class DeliveryOut(Out):
    """`history` has a line for each attempt that came out: when, which one, how."""

    id: Annotated[str, Field(max_length=60)]
    notification_id: Ulid
    channel: Channel
    user_id: Annotated[str, Field(max_length=64)]
    type: TypeName
    state: State
    reason: Annotated[str, Field(max_length=100)] | None
    attempts: int
    next_at: Instant
    provider_id: Annotated[str, Field(max_length=500)] | None
    batch_id: Ulid | None
    created_at: Instant
    history: Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=1_000)]


class RedriveIn(In):
    limit: Annotated[int, Field(ge=1, le=100)] = 100


class RedriveOut(Out):
    messages: int


class EraseIn(In):
    """`addresses` are those that mails to them went to."""

    owner_id: Ulid
    addresses: Annotated[list[Annotated[str, Field(max_length=320)]], Field(max_length=10, default_factory=list)]


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Annotated[int, Field(ge=0)]
