"""Comments: where each stands below the others, who may change one and for how long."""

import secrets
from dataclasses import dataclass
from enum import StrEnum

MAX_BODY = 10_000
MAX_DEPTH = 6
EDIT_MINUTES = 15
EDIT_WINDOW_MS = EDIT_MINUTES * 60_000
# An ULID sorts behind `/`, so a comment's own answers come before its next sibling, and a query reads the thread.
SEPARATOR = "/"
# 41 bits of milliseconds since 2020 and 12 of chance: an integer that every JSON parser holds exactly.
NUMBER_EPOCH_MS = 1_577_836_800_000
NUMBER_CHANCE_BITS = 12


class State(StrEnum):
    APPROVED = "approved"
    HIDDEN = "hidden"
    DELETED = "deleted"
    PENDING = "pending"
    SPAM = "spam"

    @property
    def is_in_thread(self) -> bool:
        return self in (State.APPROVED, State.HIDDEN, State.DELETED)


@dataclass(frozen=True)
class Comment:
    """`path` is the ids from the first comment of the thread down to this one. Times are in milliseconds.

    `reply_to` is what it answers where that stands as deep as comments go. `guest` is the name of somebody without an
    account, whose `email` nobody but moderators sees.
    """

    id: str
    post_id: str
    path: str
    number: int
    state: State
    created_at: int
    body: str | None
    html: str | None
    author_id: str | None = None
    guest: str | None = None
    email: str | None = None
    reply_to: str | None = None
    edited_at: int | None = None
    replies: int = 0
    pinned: bool = False
    reports: int = 0
    score: int = 0
    # Whether somebody else has said if it is spam.
    asked: bool = False
    version: int = 1

    @property
    def depth(self) -> int:
        return self.path.count(SEPARATOR) + 1

    @property
    def parent_id(self) -> str | None:
        above = self.path.rpartition(SEPARATOR)[0]
        return above.rpartition(SEPARATOR)[2] or None

    @property
    def above(self) -> str:
        """The path of the comment that this one stands below; empty for the first of a thread."""
        return self.path.rpartition(SEPARATOR)[0]


def path_below(parent: str, comment_id: str) -> tuple[str, bool]:
    """Where an answer stands, and whether it had to move up: nothing stands deeper than six."""
    if not parent:
        return comment_id, False
    deepest = parent.count(SEPARATOR) + 1 >= MAX_DEPTH
    above = parent.rpartition(SEPARATOR)[0] if deepest else parent
    return f"{above}{SEPARATOR}{comment_id}", deepest


def ancestors(path: str) -> list[str]:
    """The paths above this one, the nearest first."""
    found = []
    while SEPARATOR in path:
        path = path.rpartition(SEPARATOR)[0]
        found.append(path)
    return found


def new_number(now: int) -> int:
    return (now - NUMBER_EPOCH_MS) << NUMBER_CHANCE_BITS | secrets.randbits(NUMBER_CHANCE_BITS)


def is_editable(comment: Comment, now: int) -> bool:
    return now - comment.created_at <= EDIT_WINDOW_MS
