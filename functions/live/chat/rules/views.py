"""What is looked at: rooms as somebody has them, pages of messages, receipts."""

from dataclasses import dataclass

from .messages import Message
from .rooms import Member, Room


@dataclass(frozen=True)
class Counts:
    read_n: int
    deliv_n: int
    unread: int
    mentions: int


@dataclass(frozen=True)
class Listed:
    """A room as somebody has it in their list."""

    room: Room
    member: Member
    counts: Counts


@dataclass(frozen=True)
class Unread:
    """`total` leaves out muted rooms, save for mentions where these are let through."""

    total: int
    total_all: int
    mentions: int
    rooms: list[Listed]


@dataclass(frozen=True)
class History:
    """Messages, oldest first, and the numbers by which one goes on to either side."""

    messages: list[Message]
    before_n: int | None
    after_n: int | None
    msg_n: int


@dataclass(frozen=True)
class Thread:
    root: Message
    replies: list[Message]
    next: int | None
    read_n: int


@dataclass(frozen=True)
class Receipts:
    """Who has read and who has received a message; in a large room only how many."""

    read: int
    delivered: int
    read_by: list[str] | None
    delivered_to: list[str] | None
