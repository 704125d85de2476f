"""The bodies of requests and answers."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from tessera import clock
from tessera.types import In, Instant, Out, Ulid
from tessera.types import text as bounded

from .addresses import MAX_CHARACTERS, digest, normalised
from .letters import BREAKS, LEAF_TYPE, RESERVED_HEADERS, RESERVED_PREFIXES, has_own
from .rules import KEPT, Category, OnUnknown, Reason, State

MAX_RECIPIENTS = 50
MAX_INLINE_BYTES = 700_000


def _unbroken(value: str) -> str:
    # A line end inside a header would let the rest of the value be taken for headers of its own (CWE-93).
    if BREAKS.search(value):
        raise ValueError("line ends and control characters are not allowed here")
    return value


def _header_name(value: str) -> str:
    lowered = value.lower()
    if lowered in RESERVED_HEADERS or lowered.startswith(RESERVED_PREFIXES):
        raise ValueError("this header is set by us")
    return value


def _once(headers: dict[str, str]) -> dict[str, str]:
    lowered = [name.lower() for name in headers]
    twice = next((name for name in headers if lowered.count(name.lower()) > 1), None)
    if twice:
        raise ValueError(f"{twice} is given twice; capitals make no difference")
    return headers


def _soon(value: datetime) -> datetime:
    if value > clock.now() + KEPT:
        raise ValueError(f"a mail waits {KEPT.days} days at most")
    return value


def _tag_name(value: str) -> str:
    if value in ("mail_id", "attempt", "category"):
        raise ValueError("this tag is set by us")
    return value


def _leaf_type(value: str) -> str:
    if not LEAF_TYPE.fullmatch(value):
        raise ValueError("an attachment is one part, with a type such as text/plain")
    return value


def _base64(value: str) -> str:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("this is not base64") from None
    return value


Address = Annotated[
    str,
    StringConstraints(min_length=3, max_length=MAX_CHARACTERS),
    AfterValidator(normalised),
    WithJsonSchema({"type": "string", "format": "email", "minLength": 3, "maxLength": MAX_CHARACTERS}),
]
Addresses = Annotated[list[Address], Field(max_length=MAX_RECIPIENTS)]
Line = Annotated[str, bounded(200), AfterValidator(_unbroken)]
HeaderName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,59}$", max_length=60), AfterValidator(_header_name)
]
HeaderValue = Annotated[str, bounded(800), AfterValidator(_unbroken)]
Headers = Annotated[dict[HeaderName, HeaderValue], Field(default_factory=dict, max_length=20), AfterValidator(_once)]
# What SES takes for a tag; the names we use ourselves are ours.
TagText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$", max_length=100)]
TagName = Annotated[TagText, AfterValidator(_tag_name)]
MediaType = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9.+-]{0,62}/[a-z0-9][a-z0-9.+-]{0,62}$", max_length=127),
    AfterValidator(_leaf_type),
]
FileName = Annotated[
    str, bounded(120), AfterValidator(_unbroken), StringConstraints(pattern=r'^[^/\\"]+$', max_length=120)
]
DataName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$", max_length=40)]


class AttachmentIn(In):
    """A file that `files` keeps, or a small one that comes along."""

    file_id: Ulid | None = None
    name: FileName | None = None
    type: MediaType | None = None
    base64: Annotated[str, Field(max_length=940_000), AfterValidator(_base64)] | None = None

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "AttachmentIn":
        brought = [self.name, self.type, self.base64]
        if any(value is None for value in brought) if self.file_id is None else any(brought):
            raise ValueError("Give `file_id`, or `name`, `type` and `base64`.")
        return self


class MailIn(In):
    """A mail to send: words of its own, or a template with its data."""

    to: Annotated[Addresses, Field(min_length=1)]
    cc: Annotated[Addresses, Field(default_factory=list)]
    bcc: Annotated[Addresses, Field(default_factory=list)]
    from_: Annotated[Address | None, Field(alias="from")] = None
    reply_to: Address | None = None
    subject: Line | None = None
    text: Annotated[str, bounded(200_000, multiline=True)] | None = None
    html: Annotated[str, bounded(500_000, multiline=True)] | None = None
    template: Annotated[str, bounded(60)] | None = None
    data: Annotated[dict[DataName, Annotated[str, bounded(2000)]], Field(default_factory=dict, max_length=40)]
    attachments: Annotated[list[AttachmentIn], Field(default_factory=list, max_length=20)]
    headers: Headers
    tags: Annotated[dict[TagName, TagText], Field(default_factory=dict, max_length=20)]
    category: Category = "transactional"
    send_at: Annotated[Instant, AfterValidator(_soon)] | None = None
    on_unknown: OnUnknown | None = None

    @model_validator(mode="after")
    def _whole(self) -> "MailIn":
        recipients = {digest(address) for address in (*self.to, *self.cc, *self.bcc)}
        if len(recipients) > MAX_RECIPIENTS:
            raise ValueError(f"A mail has at most {MAX_RECIPIENTS} recipients, `cc` and `bcc` included.")
        has_words = self.text is not None or self.html is not None
        if self.template is None and not (has_words and self.subject):
            raise ValueError("Give a `subject` and `text` or `html`, or a `template`.")
        if self.template is not None and (has_words or self.subject):
            raise ValueError("A template brings its own subject and words.")
        if self.category == "bulk" and len(recipients) > 1 and not has_own(self.headers):
            # A link in a mail that many get could not say whose it is.
            raise ValueError("A bulk mail goes to one person, or brings a `List-Unsubscribe` of its own.")
        return self


class BatchIn(In):
    items: Annotated[list[MailIn], Field(min_length=1, max_length=100)]


class ProblemOut(Out):
    type: Annotated[str, Field(max_length=200)]
    title: Annotated[str, Field(max_length=200)]
    status: int
    detail: Annotated[str, Field(max_length=1000)] = ""


class AcceptedOut(Out):
    id: Ulid
    state: State


class BatchItemOut(Out):
    """What became of one mail of the batch: its id, or why not."""

    id: Ulid | None = None
    state: State | None = None
    problem: ProblemOut | None = None


class BatchOut(Out):
    items: Annotated[list[BatchItemOut], Field(max_length=100)]


class EntryOut(Out):
    at: Instant
    attempt: int
    outcome: Annotated[str, Field(max_length=60)]
    detail: Annotated[str, Field(max_length=400)] = ""


class NewsOut(Out):
    """What the provider said, of which recipient where it named one."""

    at: Instant
    attempt: int
    kind: Annotated[str, Field(max_length=20)]
    recipient: Annotated[str, Field(max_length=MAX_CHARACTERS)] | None = None
    detail: Annotated[str, Field(max_length=300)] = ""


Recipient = Annotated[str, Field(max_length=320)]


class MailSummaryOut(Out):
    id: Ulid
    state: State
    category: Category
    to: Annotated[list[Recipient], Field(max_length=MAX_RECIPIENTS)]
    subject: Annotated[str, Field(max_length=200)]
    created_at: Instant
    attempt: int
    possible_duplicate: bool
    reason: Annotated[str, Field(max_length=100)] | None = None


class RecipientOut(Out):
    """What became of the mail for one of its recipients. `left-out` got none, because the address is suppressed."""

    address: Recipient
    state: State | Literal["left-out"]


class MailOut(MailSummaryOut):
    cc: Annotated[list[Recipient], Field(max_length=MAX_RECIPIENTS)]
    bcc: Annotated[list[Recipient], Field(max_length=MAX_RECIPIENTS)]
    sender: Annotated[str, Field(max_length=MAX_CHARACTERS)]
    on_unknown: OnUnknown
    next_at: Instant
    recipients: Annotated[list[RecipientOut], Field(max_length=MAX_RECIPIENTS)]
    attempts: Annotated[list[EntryOut], Field(max_length=1_000)]
    events: Annotated[list[NewsOut], Field(max_length=1_000)]


class SourceOut(Out):
    """RFC 5322 text, with a mark in the place of each secret."""

    source: Annotated[str, Field(max_length=20_000_000)]


class SuppressionIn(In):
    address: Address
    bulk_only: bool = False
    until: Instant | None = None


class SuppressionOut(Out):
    address: Annotated[str, Field(max_length=MAX_CHARACTERS)] | None
    reason: Reason
    bulk_only: bool
    until: Instant | None
    hits: int
    created_at: Instant


class RedriveIn(In):
    """These dead mails, or the newest ones when none is named."""

    ids: Annotated[list[Ulid], Field(default_factory=list, max_length=100)]
    limit: Annotated[int, Field(ge=1, le=100)] = 100


class RedriveOut(Out):
    mails: int
    messages: int


class StatsOut(Out):
    day: Annotated[str, Field(max_length=10)]
    sent: int
    delivered: int
    bounced: int
    complained: int
    dead: int
    received: int
    dropped: int
    bounce_percent: float
    complaint_percent: float


class StreamOut(Out):
    """`held`: too much came back of what was sent last. `paused`: the provider takes nothing for now."""

    state: Literal["open", "held", "paused"]


class SendingOut(Out):
    """What may be sent now. The counts are of the last 1,000 mails; bulk is held at 50 and at 1."""

    transactional: StreamOut
    bulk: StreamOut
    probe_at: Instant | None
    bounced: int
    complained: int


class HandOverIn(In):
    """A mail of another of our services under an id of its own: its own words, or a template.

    `secret` holds the secret values of the template, sealed for the purpose `mail`. Answers are told of as
    `outbox.mail.received.v1` with `reply_ref`, where a domain takes them.
    """

    id: Ulid
    to: Address
    subject: Line | None = None
    text: Annotated[str, bounded(200_000, multiline=True)] | None = None
    html: Annotated[str, bounded(500_000, multiline=True)] | None = None
    template: Annotated[str, bounded(60)] | None = None
    data: Annotated[dict[DataName, Annotated[str, bounded(2000)]], Field(default_factory=dict, max_length=40)]
    secret: Annotated[str, bounded(8_000)] | None = None
    headers: Headers
    category: Category = "transactional"
    reply_ref: Ulid | None = None

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "HandOverIn":
        words = [self.subject, self.text]
        if any(value is None for value in words) if self.template is None else any([*words, self.html]):
            raise ValueError("Give `subject` and `text`, or a `template`.")
        return self


class HandedOverOut(Out):
    id: Ulid


class EraseIn(In):
    owner_id: Annotated[str, bounded(64)]
    addresses: Annotated[list[Address], Field(default_factory=list, max_length=10)]


class ErasedOut(Out):
    done: bool
