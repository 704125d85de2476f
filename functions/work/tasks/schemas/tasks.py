"""Bodies of tasks, lists, tags and views."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from tessera.types import Day, In, Instant, Name, Out, Params, Patch, Tag, Ulid, ZoneName, absent, text

from ..rules.task import DEFAULT_PRIORITY, LONGEST_PLACE, Mode, Recurrence, Sort, Status, Task, TaskList, View

Title = Annotated[str, text(500)]
# 16 KB in UTF-8: with everything else a task stays well below what an item may hold.
Notes = Annotated[str, text(16_384, min_length=0, multiline=True, max_bytes=16_384)]
Priority = Annotated[int, Field(ge=1, le=4, description="1 is the most urgent.")]
Tags = Annotated[list[Tag], Field(max_length=20)]
Reminders = Annotated[list[Instant], Field(max_length=5)]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$", min_length=7, max_length=7)]
DueText = Annotated[
    str, StringConstraints(max_length=22), Field(description="overdue, today, next7, none, or 2026-11-01..2026-11-30")
]


class RecurrenceIn(In):
    """When a task comes again: FREQ, INTERVAL, BYDAY, BYMONTHDAY, COUNT and UNTIL of RFC 5545."""

    rule: Annotated[str, text(500)]
    mode: Mode = Mode.FIXED

    def recurrence(self) -> Recurrence:
        return Recurrence(self.rule.strip().upper().removeprefix("RRULE:"), self.mode)


class RecurrenceOut(Out):
    rule: Annotated[str, Field(max_length=500)]
    mode: Mode


class ListIn(In):
    name: Name
    color: Color | None = None
    after_id: Ulid | None = None


class ListPatch(Patch):
    name: Name = absent()
    color: Color | None = absent()
    after_id: Ulid | None = absent()


class ListOut(Out):
    id: Ulid
    name: Annotated[str, Field(max_length=120)]
    color: Annotated[str, Field(max_length=7)] | None
    open_count: int
    done_count: int
    created_at: Instant
    version: int

    @classmethod
    def of(cls, one: TaskList) -> "ListOut":
        return cls.model_validate({name: getattr(one, name) for name in cls.model_fields})


class TaskIn(In):
    title: Title
    notes: Notes | None = None
    list_id: Ulid | None = None
    due_date: Day | None = None
    due_at: Instant | None = None
    tz: ZoneName | None = None
    priority: Priority = DEFAULT_PRIORITY
    tags: Tags = Field(default_factory=list)
    parent_id: Ulid | None = None
    recurrence: RecurrenceIn | None = None
    remind_at: Reminders = Field(default_factory=list)
    after_id: Ulid | None = None
    before_id: Ulid | None = None

    def fields(self) -> dict[str, object]:
        """What was said, as a task keeps it."""
        return {name: _kept(getattr(self, name)) for name in type(self).model_fields}


class TaskPatch(Patch):
    """Only what is named changes. A task moves to another list by `/move`."""

    title: Title = absent()
    notes: Notes | None = absent()
    due_date: Day | None = absent()
    due_at: Instant | None = absent()
    tz: ZoneName | None = absent()
    priority: Priority = absent()
    tags: Tags = absent()
    parent_id: Ulid | None = absent()
    recurrence: RecurrenceIn | None = absent()
    remind_at: Reminders = absent()

    def fields(self) -> dict[str, object]:
        """What changes, as a task keeps it."""
        return {name: _kept(value) for name, value in self.changes().items()}


class TaskOut(Out):
    id: Ulid
    list_id: Ulid
    title: Annotated[str, Field(max_length=500)]
    notes: Annotated[str, Field(max_length=16_384)] | None
    status: Literal["open", "done"]
    due_date: Day | None
    due_at: Instant | None
    tz: Annotated[str, Field(max_length=64)] | None
    priority: int
    tags: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=20)]
    parent_id: Ulid | None
    recurrence: RecurrenceOut | None
    remind_at: Annotated[list[Instant], Field(max_length=5)]
    completed_at: Instant | None
    next_id: Ulid | None
    missed: int
    position: Annotated[str, Field(max_length=LONGEST_PLACE)]
    created_at: Instant
    updated_at: Instant
    created_by: Annotated[str, Field(max_length=64)]
    deleted_at: Instant | None
    version: int

    @classmethod
    def of(cls, task: Task) -> "TaskOut":
        same = cls.model_fields.keys() - {"position", "status", "tags", "remind_at", "recurrence"}
        repeats = task.recurrence
        return cls(
            **{name: getattr(task, name) for name in same},
            position=task.pos,
            status="done" if task.is_done else "open",
            tags=list(task.tags),
            remind_at=list(task.remind_at),
            recurrence=RecurrenceOut(rule=repeats.rule, mode=repeats.mode) if repeats else None,
        )


class CompleteIn(In):
    completed_at: Instant | None = None


class CompletedOut(Out):
    task: TaskOut
    next_task: TaskOut | None = None


class MoveIn(In):
    list_id: Ulid | None = None
    after_id: Ulid | None = None
    before_id: Ulid | None = None


class QuickIn(In):
    text: Title
    tz: ZoneName = "UTC"


class UnderstoodOut(Out):
    """What was read out of the text."""

    title: Annotated[str, Field(max_length=500)]
    day: Day | None
    time: Annotated[str, Field(max_length=5)] | None
    priority: int | None
    tags: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=20)]
    rule: Annotated[str, Field(max_length=100)] | None


class QuickOut(Out):
    task: TaskOut
    understood: UnderstoodOut


class OccurrencesOut(Out):
    """The coming occurrences, the present one first: days or instants, as the task is due."""

    occurrences: Annotated[list[Annotated[str, Field(max_length=35)]], Field(max_length=100)]


class TagOut(Out):
    tag: Annotated[str, Field(max_length=40)]
    count: int


class ViewFilter(In):
    """The query of `GET /tasks`, kept under a name."""

    list_id: Ulid | None = None
    status: Status | None = None
    due: DueText | None = None
    priority: Priority | None = None
    tag: Tag | None = None
    q: Annotated[str, text(200)] | None = None
    sort: Sort | None = None
    tz: ZoneName | None = None


class ViewIn(In):
    name: Name
    filter: ViewFilter


class ViewOut(Out):
    id: Ulid
    name: Annotated[str, Field(max_length=120)]
    filter: ViewFilter
    created_at: Instant

    @classmethod
    def of(cls, view: View) -> "ViewOut":
        kept = ViewFilter.model_validate(view.filter)
        return cls(id=view.id, name=view.name, filter=kept, created_at=view.created_at)


class FeedIn(In):
    tz: ZoneName = "UTC"


class FeedOut(Out):
    """The token is shown this once; a new one ends the old one."""

    token: Annotated[str, Field(max_length=64)]
    url: Annotated[str, Field(max_length=300)]


class SearchDocsParams(Params):
    """One of an owner's, or all of them from a cursor on."""

    owner_id: Ulid
    id: Ulid | None = None
    cursor: Annotated[str, Field(max_length=200)] | None = None


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: int


def _kept(value: Any) -> object:
    if isinstance(value, RecurrenceIn):
        return value.recurrence()
    if isinstance(value, list):
        return tuple(dict.fromkeys(value))
    assert value is None or isinstance(value, (str, int, date, datetime))
    return value
