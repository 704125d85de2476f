"""The items of the table, and how they become what `rules` knows."""

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute

from tessera import clock
from tessera.due import DueRow
from tessera.tables import Row

from ..rules.due import awaits_overdue, due_of
from ..rules.task import TRASH_DAYS, Mode, Recurrence, Task, TaskList, View
from ..rules.todo import Todo


def owned(owner_id: str) -> str:
    return f"U#{owner_id}"


def task_key(task_id: str) -> str:
    return f"T#{task_id}"


def list_key(list_id: str) -> str:
    return f"L#{list_id}"


class ListRow(Row):
    name = UnicodeAttribute()
    color = UnicodeAttribute(null=True)
    pos = UnicodeAttribute()
    open_count = NumberAttribute(default=0)
    done_count = NumberAttribute(default=0)
    created_at = UnicodeAttribute()
    closing = UnicodeAttribute(null=True)


class TaskRow(DueRow):
    """All of a task. `gs1` is a list by place, `gs2` what is due or done by time, `gs3` priority by creation."""

    list_id = UnicodeAttribute()
    title = UnicodeAttribute()
    notes = UnicodeAttribute(null=True)
    due_date = UnicodeAttribute(null=True)
    due_at = UnicodeAttribute(null=True)
    tz = UnicodeAttribute(null=True)
    priority = NumberAttribute()
    tags = ListAttribute(of=UnicodeAttribute, null=True)
    parent_id = UnicodeAttribute(null=True)
    rule = UnicodeAttribute(null=True)
    mode = UnicodeAttribute(null=True)
    series_start = UnicodeAttribute(null=True)
    occurrence = NumberAttribute(default=1)
    missed = NumberAttribute(default=0)
    remind_at = ListAttribute(of=UnicodeAttribute, null=True)
    pos = UnicodeAttribute()
    completed_at = UnicodeAttribute(null=True)
    next_id = UnicodeAttribute(null=True)
    overdue_notified_for = UnicodeAttribute(null=True)
    below = NumberAttribute(null=True)
    deleted_at = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    created_by = UnicodeAttribute()
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)
    gs2_pk = UnicodeAttribute(null=True)
    gs2_sk = UnicodeAttribute(null=True)
    gs3_pk = UnicodeAttribute(null=True)
    gs3_sk = UnicodeAttribute(null=True)


class ReminderRow(DueRow):
    task_id = UnicodeAttribute()


class PostingsRow(Row):
    """Which search tokens and tags of a task are in the derived rows, so that a change can take them back.

    While it is `unfinished`, the tokens are those that may be there.
    """

    tokens = ListAttribute(of=UnicodeAttribute, null=True)
    tags = ListAttribute(of=UnicodeAttribute, null=True)
    unfinished = NumberAttribute(null=True)


class CountRow(Row):
    """How many open and done tasks carry a tag, or how many rows a search token has."""

    count = NumberAttribute(default=0)


class ViewRow(Row):
    name = UnicodeAttribute()
    filter = UnicodeAttribute()
    created_at = UnicodeAttribute()


class FeedRow(Row):
    """The calendar feed's token, hashed: once under the owner, once under the hash."""

    owner_id = UnicodeAttribute()
    token_hash = UnicodeAttribute()
    tz = UnicodeAttribute()


class NamespaceRow(Row):
    gen = NumberAttribute(default=0)
    cnt = NumberAttribute(default=0)


class TodoRow(Row):
    title = UnicodeAttribute()
    completed = NumberAttribute(default=0)
    # JSON's own text: a client's 1.5 and 523 come back as they were sent.
    order = UnicodeAttribute(null=True)


def list_of(row: ListRow) -> TaskList:
    return TaskList(
        id=row.sk.partition("#")[2],
        owner_id=row.pk.partition("#")[2],
        name=row.name,
        color=row.color,
        pos=row.pos,
        open_count=int(row.open_count),
        done_count=int(row.done_count),
        created_at=clock.parse(row.created_at),
        version=int(row.version),
        closing=row.closing,
    )


def view_of(row: ViewRow) -> View:
    return View(row.sk.partition("#")[2], row.name, json.loads(row.filter), clock.parse(row.created_at))


def todo_of(row: TodoRow) -> Todo:
    return Todo(row.sk, row.title, bool(row.completed), None if row.order is None else json.loads(row.order))


def task_of(row: TaskRow) -> Task:
    return Task(
        id=row.sk.partition("#")[2],
        owner_id=row.pk.partition("#")[2],
        list_id=row.list_id,
        title=row.title,
        notes=row.notes,
        due_date=date.fromisoformat(row.due_date) if row.due_date else None,
        due_at=_instant(row.due_at),
        tz=row.tz,
        priority=int(row.priority),
        tags=tuple(texts(row.tags)),
        parent_id=row.parent_id,
        recurrence=Recurrence(row.rule, Mode(row.mode)) if row.rule else None,
        series_start=datetime.fromisoformat(row.series_start) if row.series_start else None,
        occurrence=int(row.occurrence),
        missed=int(row.missed),
        remind_at=tuple(clock.parse(when) for when in texts(row.remind_at)),
        pos=row.pos,
        completed_at=_instant(row.completed_at),
        next_id=row.next_id,
        below=int(row.below or 0),
        overdue_notified_for=_instant(row.overdue_notified_for),
        deleted_at=_instant(row.deleted_at),
        created_at=clock.parse(row.created_at),
        updated_at=clock.parse(row.updated_at),
        created_by=row.created_by,
        version=int(row.version),
        made_by=row.made_by,
    )


def row_of(task: Task, now: datetime) -> TaskRow:
    """The whole item. Every index key follows from the task, so none can be forgotten by a write."""
    row = TaskRow(
        pk=owned(task.owner_id),
        sk=task_key(task.id),
        version=task.version,
        made_by=task.made_by,
        list_id=task.list_id,
        title=task.title,
        notes=task.notes,
        due_date=task.due_date.isoformat() if task.due_date else None,
        due_at=_text(task.due_at),
        tz=task.tz,
        priority=task.priority,
        tags=list(task.tags) or None,
        parent_id=task.parent_id,
        rule=task.recurrence.rule if task.recurrence else None,
        mode=task.recurrence.mode.value if task.recurrence else None,
        series_start=task.series_start.isoformat() if task.series_start else None,
        occurrence=task.occurrence,
        missed=task.missed,
        remind_at=[clock.rfc3339(when) for when in task.remind_at] or None,
        pos=task.pos,
        completed_at=_text(task.completed_at),
        next_id=task.next_id,
        below=task.below or None,
        overdue_notified_for=_text(task.overdue_notified_for),
        deleted_at=_text(task.deleted_at),
        created_at=clock.rfc3339(task.created_at),
        updated_at=clock.rfc3339(task.updated_at),
        created_by=task.created_by,
    )
    _index(row, task)
    overdue = awaits_overdue(task)
    # The sweeper looks from its last mark on: what is overdue already must wait in a minute still to come.
    row.wait_until(max(overdue, now) if overdue else None, task.id)
    return row


def _index(row: TaskRow, task: Task) -> None:
    owner = owned(task.owner_id)
    if task.deleted_at is not None:
        row.ttl = _end_of_trash(task.deleted_at)
        row.gs1_pk, row.gs1_sk = f"{owner}#trash", f"{clock.rfc3339(task.deleted_at)}#{task.id}"
        return
    state = "d" if task.is_done else "o"
    row.gs1_pk, row.gs1_sk = f"{owner}#{task.list_id}#{state}", f"{task.pos}#{task.id}"
    row.gs3_pk = f"{owner}#{state}#P{task.priority}"
    row.gs3_sk = f"{clock.rfc3339(task.created_at)}#{task.id}"
    due = due_of(task)
    if task.completed_at is not None:
        row.gs2_pk, row.gs2_sk = f"{owner}#d", f"{clock.rfc3339(task.completed_at)}#{task.id}"
    elif due is not None:
        row.gs2_pk, row.gs2_sk = f"{owner}#o", f"{clock.rfc3339(due)}#{task.priority}#{task.id}"


def beside(task: Task, now: datetime) -> dict[str, Row]:
    """The rows that stand beside a task, by sort key: its tags, its place below a parent, its reminders.

    In the trash it keeps its place below its parent: it may come back to it.
    """
    pk, rows = owned(task.owner_id), list[Row]()
    if task.parent_id is not None:
        place = Row(pk=pk, sk=f"C#{task.parent_id}#{task.id}")
        if task.deleted_at is not None:
            place.ttl = _end_of_trash(task.deleted_at)
        rows.append(place)
    if task.deleted_at is not None:
        return {row.sk: row for row in rows}
    rows += [Row(pk=pk, sk=f"X#{tag}#{task.id}") for tag in task.tags]
    for number, when in enumerate(task.remind_at):
        # A reminder in the past never fires, and neither does one of a task that is done.
        if when > now and not task.is_done:
            reminder = ReminderRow(pk=pk, sk=f"R#{task.id}#{number}", task_id=task.id)
            reminder.ttl = int((when + timedelta(days=7)).timestamp())
            reminder.wait_until(when, f"{task.id}#{number}")
            rows.append(reminder)
    return {row.sk: row for row in rows}


def _end_of_trash(deleted_at: datetime) -> int:
    return int((deleted_at + timedelta(days=TRASH_DAYS)).timestamp())


def texts(kept: Iterable[object] | None) -> list[str]:
    """A list attribute as plain texts; an absent one is empty."""
    return [str(text) for text in kept or ()]


def _text(when: datetime | None) -> str | None:
    return clock.rfc3339(when) if when else None


def _instant(text: str | None) -> datetime | None:
    return clock.parse(text) if text else None
