"""What a message may hold, and what is read out of it.

Problem
├── MessageDeleted        409 message-deleted        nothing can be done with it any more
├── EditWindowOver        403 edit-window-over       a day after it was said it stands
├── NotTheAuthor          403 not-the-author
├── TooManyEmoji          409 too-many-emoji
├── AttachmentNotReady    422 attachment-not-ready   not yours, not scanned yet, or infected
└── SlowMode              429 slow-mode              the room takes one message in so many seconds
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from tessera import ids
from tessera.problems import FieldError, InvalidRequest, Problem

MAX_TEXT = 8_000
MAX_MENTIONS = 50
MAX_LINKS = 100
MAX_CARDS = 3
MAX_MARKS, MAX_INVISIBLE = 16, 100
MAX_EMOJI = 20
MAX_REVISIONS = 20
EDIT_WINDOW = timedelta(hours=24)
PREVIEW = 140
_MENTION = re.compile(r"<@([0-7][0-9A-HJKMNP-TV-Z]{25})>")
_WHOLE_ROOM = re.compile(r"(?<![\w@])@room\b")
_LINK = re.compile(r"https?://", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s<>\"]{1,2000}", re.IGNORECASE)
# They turn around how everything behind them is shown, and no language needs them in a message.
_OVERRIDES = frozenset("\u202a\u202b\u202d\u202e")
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad")
_NAMED_EMOJI = re.compile(r"[a-z0-9_+-]{1,32}")


class MessageDeleted(Problem):
    status, slug, title = 409, "message-deleted", "The message was deleted"


class EditWindowOver(Problem):
    status, slug, title = 403, "edit-window-over", "The message cannot be changed any more"


class NotTheAuthor(Problem):
    status, slug, title = 403, "not-the-author", "Only its author may change a message"


class TooManyEmoji(Problem):
    status, slug, title = 409, "too-many-emoji", "The message has all the emoji it may have"


class AttachmentNotReady(Problem):
    status, slug, title = 422, "attachment-not-ready", "A file cannot be attached"


class SlowMode(Problem):
    status, slug, title = 429, "slow-mode", "The room is in slow mode"

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"Write again in {wait_s} seconds.", headers={"Retry-After": str(wait_s)})


@dataclass(frozen=True)
class Place:
    """Where a message stands: its number in the room, or below a message of the room its number in the thread."""

    n: int
    tn: int = 0

    @property
    def in_thread(self) -> bool:
        return self.tn > 0


@dataclass(frozen=True)
class Entity:
    """Something in a text that means more than its letters. Places count Unicode code points."""

    kind: Literal["mention", "room"]
    offset: int
    length: int
    user_id: str | None = None


@dataclass(frozen=True)
class Thumb:
    """How large the small picture of a file is, and what to draw until it is there."""

    w: int
    h: int
    blurhash: str


@dataclass(frozen=True)
class Attachment:
    id: str
    name: str
    type: str
    size: int
    # `gone` when the file was found infected or was deleted since.
    state: Literal["ready", "gone"] = "ready"
    thumb: Thumb | None = None

    @property
    def may_have_thumb(self) -> bool:
        return self.type.startswith("image/") or self.type == "application/pdf"


@dataclass(frozen=True)
class Card:
    """What a page that is linked to says of itself, as it did when it was looked at.

    `image` is an address of ours: a site does not learn from its pictures who reads what.
    """

    url: str
    title: str
    description: str | None = None
    site_name: str | None = None
    image: str | None = None


@dataclass(frozen=True)
class Message:
    """`rev` counts every change of the item, `version` those of what was said."""

    id: str
    room_id: str
    place: Place
    seq: int
    author_id: str
    text: str
    at: datetime
    entities: tuple[Entity, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    cards: tuple[Card, ...] = ()
    reactions: dict[str, int] = field(default_factory=dict)
    reply_to: str | None = None
    thread_root: str | None = None
    thread_n: int = 0
    thread_last: datetime | None = None
    # A reply in a thread that was also said to the room: the reply knows the copy, and the copy the reply.
    twin: Place | None = None
    pinned: bool = False
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    # Where in the room's log its text stands.
    seqs: tuple[int, ...] = ()
    version: int = 1
    rev: int = 1

    @property
    def mentions(self) -> list[str]:
        """Who is mentioned, each once."""
        return list(dict.fromkeys(one.user_id for one in self.entities if one.user_id))

    @property
    def mentions_room(self) -> bool:
        return any(one.kind == "room" for one in self.entities)


@dataclass(frozen=True)
class Draft:
    """What somebody wants to say. `client_id` is their own id of it."""

    text: str
    client_id: str
    reply_to: str | None = None
    thread_root: str | None = None
    also_to_room: bool = False
    attachments: Sequence[str] = ()


def message_id(at_ms: int, place: Place, chance: bytes) -> str:
    """An id that says where its message stands, so that finding it takes no index."""
    return ids.at(at_ms, place.n.to_bytes(5, "big") + place.tn.to_bytes(3, "big") + chance[:2])


def place_of(message: str) -> Place:
    bits = ids.bits(message)
    return Place(int.from_bytes(bits[:5], "big"), int.from_bytes(bits[5:8], "big"))


def refused(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, errors=[FieldError(pointer, detail)])


def check_text(text: str) -> None:
    """Raises `InvalidRequest` for a text that is made to harm whoever reads it."""
    if any(character in _OVERRIDES for character in text):
        raise refused("/text", "Characters that turn around the direction of writing are not allowed.")
    if len(_LINK.findall(text)) > MAX_LINKS:
        raise refused("/text", f"A message has at most {MAX_LINKS} links.")
    marks = invisible = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        invisible = invisible + 1 if character in _INVISIBLE else 0
        if marks > MAX_MARKS:
            raise refused("/text", f"One letter carries at most {MAX_MARKS} marks.")
        if invisible > MAX_INVISIBLE:
            raise refused("/text", f"At most {MAX_INVISIBLE} invisible characters stand side by side.")


def entities_of(text: str) -> tuple[Entity, ...]:
    """The mentions in a text. Raises `InvalidRequest` for too many."""
    found = [Entity("mention", one.start(), len(one[0]), one[1]) for one in _MENTION.finditer(text)]
    found += [Entity("room", one.start(), len(one[0])) for one in _WHOLE_ROOM.finditer(text)]
    if len({one.user_id for one in found}) > MAX_MENTIONS or len(found) > 2 * MAX_MENTIONS:
        raise refused("/text", f"A message mentions at most {MAX_MENTIONS} people.")
    return tuple(sorted(found, key=lambda one: one.offset))


def links_of(text: str) -> tuple[str, ...]:
    """The links of which cards are shown: the first three, each once, without what ends the sentence around them."""
    found = (_without_end(one[0]) for one in _ADDRESS.finditer(text))
    return tuple(dict.fromkeys(one for one in found if not _LINK.fullmatch(one)))[:MAX_CARDS]


def _without_end(address: str) -> str:
    while address[-1] in ".,;:!?'" or (address[-1] == ")" and address.count(")") > address.count("(")):
        address = address[:-1]
    return address


def preview_of(text: str, attachments: Sequence[Attachment]) -> str:
    line = " ".join(text.split())
    if not line and attachments:
        return attachments[0].name[:PREVIEW]
    return line if len(line) <= PREVIEW else f"{line[: PREVIEW - 1]}…"


def check_emoji(emoji: str) -> str:
    """One emoji, or the name of one. Raises `InvalidRequest`."""
    if _NAMED_EMOJI.fullmatch(emoji):
        return emoji
    composed = unicodedata.normalize("NFC", emoji)
    symbols = any(unicodedata.category(one) in ("So", "Sk") or one == "\u20e3" for one in composed)
    joined = all(unicodedata.category(one) in ("So", "Sk", "Mn", "Me", "Cf", "Nd", "Po", "Sm") for one in composed)
    if not symbols or not joined or len(composed) > 16 or any(one in _OVERRIDES for one in composed):
        raise refused("emoji", "This is neither an emoji nor the name of one.")
    return composed


def reacted(reactions: dict[str, int], emoji: str, by: int) -> dict[str, int]:
    """The counts after one more or one fewer. Raises `TooManyEmoji`."""
    count = reactions.get(emoji, 0) + by
    rest = {name: number for name, number in reactions.items() if name != emoji}
    if count <= 0:
        return rest
    if emoji not in reactions and len(reactions) >= MAX_EMOJI:
        raise TooManyEmoji(f"A message has at most {MAX_EMOJI} different emoji.")
    return {**reactions, emoji: count}


def check_editable(message: Message, user_id: str, now: datetime) -> None:
    """Raises `MessageDeleted`, `NotTheAuthor` or `EditWindowOver`."""
    check_there(message)
    if message.author_id != user_id:
        raise NotTheAuthor("Only what one has said oneself can be changed.")
    if now - message.at > EDIT_WINDOW:
        raise EditWindowOver("It was said more than 24 hours ago.")


def check_there(message: Message) -> None:
    if message.deleted_at is not None:
        raise MessageDeleted("What was said was taken back.")
