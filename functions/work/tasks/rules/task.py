"""What a task and a list are, and what may become of them. Nothing here knows the time or a store.

Problem
├── ListNotEmpty      409 list-not-empty     a list that still holds tasks
├── ListClosing       409 list-closing       a list that is being emptied
├── InboxStays        409 inbox-stays        the list for tasks that name none
├── NeighbourGone     409 neighbour-gone     neither neighbour of a move is there
├── TooMany           409 too-many           a bounded collection is full
└── NamespaceFull     409 namespace-full     (in `todo`)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from tessera import ordering
from tessera.problems import FieldError, InvalidRequest, Problem

# The list of tasks that name none: the same id for every owner, since its key holds the owner too.
INBOX = "0" * 26
MAX_DEPTH = 3
MAX_LISTS, MAX_VIEWS = 100, 50
TRASH_DAYS = 30
DEFAULT_PRIORITY = 4
# Near the ends of the calendar some days have no instant in some zones.
FIRST_YEAR, LAST_YEAR = 1970, 2200
# A key in an index has at most 1,024 bytes, the id included; a cursor that names it has 1,024 characters.
LONGEST_PLACE = 400


class Status(StrEnum):
    OPEN = "open"
    DONE = "done"
    ALL = "all"


class Sort(StrEnum):
    MANUAL = "manual"
    DUE = "due"
    PRIORITY = "priority"
    CREATED = "created"
    COMPLETED = "completed"


class Mode(StrEnum):
    FIXED = "fixed"
    AFTER_COMPLETION = "after_completion"


class ListNotEmpty(Problem):
    status, slug, title = 409, "list-not-empty", "The list still holds tasks"


class ListClosing(Problem):
    status, slug, title = 409, "list-closing", "The list is being emptied"


class InboxStays(Problem):
    status, slug, title = 409, "inbox-stays", "The inbox cannot be deleted"


class NeighbourGone(Problem):
    status, slug, title = 409, "neighbour-gone", "Neither neighbour is there any more"


class TooMany(Problem):
    status, slug, title = 409, "too-many", "There is no room for another one"


def refused(pointer: str, detail: str) -> InvalidRequest:
    """A fault of one field, which no schema can see alone."""
    return InvalidRequest(detail, errors=[FieldError(pointer, detail)])


@dataclass(frozen=True)
class Recurrence:
    rule: str
    mode: Mode = Mode.FIXED


@dataclass(frozen=True)
class View:
    """A filter kept under a name, as the query of `GET /tasks` spells it."""

    id: str
    name: str
    filter: dict[str, object]
    created_at: datetime


@dataclass(frozen=True)
class TaskList:
    id: str
    owner_id: str
    name: str
    color: str | None
    pos: str
    open_count: int
    done_count: int
    created_at: datetime
    version: int = 1
    # The job that empties the list, from when on it takes no more tasks.
    closing: str | None = None

    @property
    def is_empty(self) -> bool:
        return self.open_count + self.done_count == 0


@dataclass(frozen=True)
class Task:
    """A task. `occurrence` counts through its series, `missed` says how many were skipped before it."""

    id: str
    owner_id: str
    list_id: str
    title: str
    pos: str
    created_at: datetime
    updated_at: datetime
    created_by: str
    notes: str | None = None
    due_date: date | None = None
    due_at: datetime | None = None
    tz: str | None = None
    priority: int = DEFAULT_PRIORITY
    tags: tuple[str, ...] = ()
    parent_id: str | None = None
    recurrence: Recurrence | None = None
    remind_at: tuple[datetime, ...] = ()
    completed_at: datetime | None = None
    next_id: str | None = None
    occurrence: int = 1
    missed: int = 0
    # The local time the series is counted from, so that the 31st comes back after a short month.
    series_start: datetime | None = None
    # How often something was put below it, or below what is below it.
    below: int = 0
    overdue_notified_for: datetime | None = None
    deleted_at: datetime | None = None
    version: int = 1
    made_by: str | None = None

    @property
    def is_done(self) -> bool:
        return self.completed_at is not None

    @property
    def status(self) -> Status:
        return Status.DONE if self.is_done else Status.OPEN


def check_due(task: Task) -> None:
    """Raises `InvalidRequest` when the due fields do not fit together."""
    days: dict[str, Sequence[date | None]] = {
        "/due_date": [task.due_date],
        "/due_at": [task.due_at],
        "/remind_at": task.remind_at,
    }
    for pointer, when in days.items():
        if any(day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR for day in when):
            raise refused(pointer, f"Tasks are due in the years {FIRST_YEAR} to {LAST_YEAR}.")
    if task.due_date is not None and task.due_at is not None:
        raise refused("/due_at", "A task is due on a day or at an instant, not both. Set the other one to null.")
    if task.due_at is not None and task.tz is None:
        raise refused("/tz", "A due_at needs the time zone in which it repeats and is shown.")
    if task.recurrence is not None and task.due_date is None and task.due_at is None:
        raise refused("/recurrence", "Only a task that is due can repeat.")


def edited(task: Task, now: datetime, **changes: object) -> Task:
    """The task with these fields changed, in its next version."""
    return replace(task, updated_at=now, version=task.version + 1, **changes)  # type: ignore[arg-type]


def trashed(task: Task, now: datetime) -> Task:
    return edited(task, now, deleted_at=now)


def restored(task: Task, now: datetime) -> Task:
    return edited(task, now, deleted_at=None)


def check_parents(task_id: str, chain: list[Task], height: int) -> None:
    """Whether a task with `height` levels below it may hang under `chain`, nearest parent first."""
    if any(parent.id == task_id for parent in chain):
        raise refused("/parent_id", "A task cannot be below itself.")
    if len(chain) + 1 + height > MAX_DEPTH:
        raise refused("/parent_id", f"Tasks nest {MAX_DEPTH} levels deep; this would be {len(chain) + 1 + height}.")


def placed(lower: str | None, upper: str | None, *, otherwise: str) -> str:
    """A key between two neighbours, or `otherwise`, the place at the end, where there is none.

    Neighbours in one place leave no gap, and one that was halved thousands of times has keys too long.
    """
    if lower is None and upper is None:
        return otherwise
    if lower is not None and upper is not None and lower >= upper:
        return otherwise
    key = ordering.between(lower, upper)
    return key if len(key) <= LONGEST_PLACE else otherwise


def appended(millis: int) -> str:
    """The key of something added at this time: after all that was added before, without reading them.

    An integer head of seven digits holds milliseconds until the year 2081, and keys put between such
    keys later are ordinary fractional ones.
    """
    digits = ""
    for _ in range(7):
        millis, digit = divmod(millis, 62)
        digits = ordering.DIGITS[digit] + digits
    # The midpoint of nothing and nothing is a bare first key; its jitter is what is wanted here.
    return "g" + digits + ordering.between(None, None)[2:]
