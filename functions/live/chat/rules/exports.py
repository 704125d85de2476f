"""The export of a room, and how far it has come.

Problem
├── ExportRunning         409 room-export-running    one at a time for a room
└── ExportLost            409 room-export-lost       the room is gone, or it stood still and another one was begun
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from tessera.problems import Problem

from .messages import Place

# What one step of the work reads: lines, and those who reacted to a message as so many more.
LINES_AT_ONCE = 1_000


class ExportRunning(Problem):
    status, slug, title = 409, "room-export-running", "The room is being exported"


class ExportLost(Problem):
    status, slug, title = 409, "room-export-lost", "The export cannot go on"


class Stage(StrEnum):
    MEMBERS = "members"
    MESSAGES = "messages"
    WRITTEN = "written"


@dataclass(frozen=True)
class Counts:
    members: int = 0
    messages: int = 0
    replies: int = 0


@dataclass(frozen=True)
class Export:
    """`first_n` to `last_n` is what it takes of the room; `after` is where the next step begins in its stage.

    `parts` are the parts of the file that are there, by number and ETag. What is too little for one waits in an
    object of its own, which `waiting` names. `step` counts what was kept.
    """

    room_id: str
    job_id: str
    owner_id: str
    first_n: int
    last_n: int
    upload_id: str | None = None
    stage: Stage = Stage.MEMBERS
    after: str | None = None
    parts: tuple[tuple[int, str], ...] = ()
    waiting: int | None = None
    size_bytes: int = 0
    counts: Counts = field(default=Counts())
    step: int = 0

    @property
    def total(self) -> int:
        """How many numbers of the room it passes: what a job counts."""
        return max(0, self.last_n - self.first_n + 1)


def taken(export: Export, place: Place) -> Export:
    """The export with the message that stands here."""
    counts = export.counts
    if place.in_thread:
        counts = replace(counts, replies=counts.replies + 1)
    else:
        counts = replace(counts, messages=counts.messages + 1)
    return replace(export, counts=counts)
