"""Many changes in one request."""

from typing import Annotated, Any, Literal

from pydantic import Field

from tessera.types import Day, In, Instant, Out, Patch, Tag, Ulid, ZoneName, absent

from .tasks import Notes, Priority, Reminders, Tags, TaskOut, Title


class SetFields(Patch):
    """What `set` may change: everything but the parent and the repetition, which need a look at other tasks."""

    title: Title = absent()
    notes: Notes | None = absent()
    due_date: Day | None = absent()
    due_at: Instant | None = absent()
    tz: ZoneName | None = absent()
    priority: Priority = absent()
    tags: Tags = absent()
    remind_at: Reminders = absent()

    def fields(self) -> dict[str, object]:
        return {name: tuple(value) if isinstance(value, list) else value for name, value in self.changes().items()}


class _Op(In):
    id: Ulid


class CompleteOp(_Op):
    op: Literal["complete"]
    completed_at: Instant | None = None


class ReopenOp(_Op):
    op: Literal["reopen"]


class MoveOp(_Op):
    op: Literal["move"]
    list_id: Ulid | None = None
    after_id: Ulid | None = None
    before_id: Ulid | None = None


class TagOp(_Op):
    op: Literal["tag"]
    tag: Tag


class UntagOp(_Op):
    op: Literal["untag"]
    tag: Tag


class SetOp(_Op):
    op: Literal["set"]
    fields: SetFields


class DeleteOp(_Op):
    op: Literal["delete"]


Operation = Annotated[CompleteOp | ReopenOp | MoveOp | TagOp | UntagOp | SetOp | DeleteOp, Field(discriminator="op")]


class BulkIn(In):
    operations: Annotated[list[Operation], Field(min_length=1, max_length=100)]
    atomic: Annotated[bool, Field(description="All or nothing, for at most 30 operations.")] = False


class BulkResult(Out):
    id: Ulid
    status: int
    task: TaskOut | None = None
    problem: dict[str, Any] | None = None


class BulkOut(Out):
    results: Annotated[list[BulkResult], Field(max_length=100)]
