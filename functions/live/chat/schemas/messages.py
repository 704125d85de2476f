"""Bodies of messages, marks and reports."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from tessera.types import MAX_PAGE, Cursor, In, Instant, Limit, Out, Params, Ulid, text

from ..rules.messages import MAX_CARDS, MAX_EMOJI, MAX_REVISIONS, MAX_TEXT, Draft, Message
from ..rules.views import History, Thread

Text = Annotated[str, text(MAX_TEXT, multiline=True)]
# An attachment may say it all.
AnyText = Annotated[str, text(MAX_TEXT, min_length=0, multiline=True)]
Number = Annotated[int, Field(ge=0, le=999_999_999_999)]
Emoji = Annotated[str, StringConstraints(min_length=1, max_length=32)]
UserId = Annotated[str, Field(max_length=64)]
Short = Annotated[str, Field(max_length=300)]
State = Literal["open", "resolved"]
# What an answer does not take from the message as it is.
_OWN = frozenset(["n", "thread_n", "entities", "attachments", "cards", "replies", "last_reply_at"])


class MessageIn(In):
    """`client_msg_id` is your own id of it: sent again within a day, it is said once.

    `<@ULID>` mentions somebody, `@room` everybody. `also_to_room` says a reply in a thread to the whole room too.
    """

    text: AnyText = ""
    client_msg_id: Ulid
    reply_to: Ulid | None = None
    thread_root: Ulid | None = None
    also_to_room: bool = False
    attachments: Annotated[list[Ulid], Field(max_length=10, default_factory=list)]

    def draft(self) -> Draft:
        return Draft(
            text=self.text,
            client_id=self.client_msg_id,
            reply_to=self.reply_to,
            thread_root=self.thread_root,
            also_to_room=self.also_to_room and self.thread_root is not None,
            attachments=tuple(dict.fromkeys(self.attachments)),
        )


class MessagePatch(In):
    text: Text


class EntityOut(Out):
    """Places count Unicode code points."""

    kind: Literal["mention", "room"]
    offset: int
    length: int
    user_id: UserId | None


class ThumbOut(Out):
    """How large it is; where it is says `GET …/attachments/{file_id}/thumb`."""

    w: int
    h: int
    blurhash: Annotated[str, Field(max_length=60)]


class ThumbLinkOut(ThumbOut):
    url: Annotated[str, Field(max_length=8_192)]


class ThumbParams(Params):
    size: Literal["sm", "md", "lg"] = "sm"


class AttachmentOut(Out):
    id: Ulid
    name: Annotated[str, Field(max_length=1000)]
    type: Annotated[str, Field(max_length=300)]
    size: int
    state: Literal["ready", "gone"]
    thumb: ThumbOut | None


class CardOut(Out):
    """What a page that is linked to says of itself; its picture comes from us."""

    url: Annotated[str, Field(max_length=2_048)]
    title: Short
    description: Annotated[str, Field(max_length=600)] | None
    site_name: Annotated[str, Field(max_length=2_048)] | None
    image: Annotated[str, Field(max_length=8_192)] | None


class MessageOut(Out):
    """`n` is its number in the room, `seq` its place in the room's topic; in a thread `thread_n` is its number there.

    Of a deleted message only its place is left.
    """

    id: Ulid
    room_id: Ulid
    n: int
    seq: int
    thread_n: int
    author_id: UserId
    text: Annotated[str, Field(max_length=MAX_TEXT)]
    entities: Annotated[list[EntityOut], Field(max_length=100)]
    attachments: Annotated[list[AttachmentOut], Field(max_length=10)]
    cards: Annotated[list[CardOut], Field(max_length=MAX_CARDS)]
    reactions: Annotated[dict[str, int], Field(max_length=MAX_EMOJI)]
    reply_to: Ulid | None
    thread_root: Ulid | None
    replies: int
    last_reply_at: Instant | None
    pinned: bool
    at: Instant
    edited_at: Instant | None
    deleted_at: Instant | None
    version: int

    @classmethod
    def of(cls, message: Message) -> "MessageOut":
        same = cls.model_fields.keys() - _OWN
        fields: dict[str, Any] = {name: getattr(message, name) for name in same}
        return cls(
            **fields,
            n=message.place.n,
            thread_n=message.place.tn,
            entities=[EntityOut.model_validate(one) for one in message.entities],
            attachments=[AttachmentOut.model_validate(one) for one in message.attachments],
            cards=[CardOut.model_validate(one) for one in message.cards],
            replies=message.thread_n,
            last_reply_at=message.thread_last,
        )


class HistoryParams(Params):
    """The newest unless one of the three says where; only one of them."""

    before_n: Number | None = None
    after_n: Number | None = None
    around_n: Number | None = None
    limit: Limit = 50


class HistoryOut(Out):
    """Oldest first. `before_n` and `after_n` are for the next page to either side, null where there is none."""

    items: Annotated[list[MessageOut], Field(max_length=MAX_PAGE)]
    before_n: int | None
    after_n: int | None
    msg_n: int

    @classmethod
    def of(cls, found: History) -> "HistoryOut":
        items = [MessageOut.of(one) for one in found.messages]
        return cls(items=items, before_n=found.before_n, after_n=found.after_n, msg_n=found.msg_n)


class ThreadParams(Params):
    after_n: Number = 0
    limit: Limit = 50


class ThreadOut(Out):
    """Replies, oldest first; `after_n` is for the next page, null on the last one."""

    root: MessageOut
    items: Annotated[list[MessageOut], Field(max_length=MAX_PAGE)]
    after_n: int | None
    read_n: int
    unread: int

    @classmethod
    def of(cls, found: Thread) -> "ThreadOut":
        return cls(
            root=MessageOut.of(found.root),
            items=[MessageOut.of(one) for one in found.replies],
            after_n=found.next,
            read_n=found.read_n,
            unread=max(0, found.root.thread_n - found.read_n),
        )


class RevisionOut(Out):
    text: Annotated[str, Field(max_length=MAX_TEXT)]
    at: Instant


class RevisionsOut(Out):
    """What was said before, the newest first."""

    items: Annotated[list[RevisionOut], Field(max_length=MAX_REVISIONS)]


class ReadIn(In):
    """Of a thread when `thread_root` names one. A mark only moves on, unless `mark_unread` takes it back."""

    n: Number
    thread_root: Ulid | None = None
    mark_unread: bool = False


class DeliveredIn(In):
    n: Number


class ReadOut(Out):
    read_n: int
    unread: int
    mentions: int


class DeliveredOut(Out):
    delivered_n: int


class ReportIn(In):
    reason: Literal["spam", "abuse", "illegal", "other"]
    note: Annotated[str, text(1_000, multiline=True)] | None = None


class ReportActionIn(In):
    action: Literal["remove", "warn", "ban", "dismiss"]
    note: Annotated[str, text(500)] | None = None


class ReportOut(Out):
    """`text` is what was said when it was reported."""

    id: Ulid
    room_id: Ulid
    message_id: Ulid
    author_id: UserId
    reason: Short
    note: Annotated[str, Field(max_length=1_000)] | None
    text: Annotated[str, Field(max_length=MAX_TEXT)]
    state: State
    action: Short | None
    created_at: Instant
    resolved_at: Instant | None


class ReportParams(Params):
    state: State = "open"
    limit: Limit = 50
    cursor: Cursor | None = None


class SearchParams(Params):
    """Every word, the last one as a beginning."""

    q: Annotated[str, Field(min_length=1, max_length=200)]
    room_id: Ulid | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class RpcIn(In):
    """What a connected client has asked the hub for."""

    method: Annotated[str, StringConstraints(max_length=60)]
    data: Annotated[dict[str, Any], Field(default_factory=dict)]


class RpcOut(Out):
    result: dict[str, Any]
