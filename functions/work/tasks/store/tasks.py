"""Tasks and lists: every write of a task goes through `commit`, which keeps all that hangs on it in step."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.bus import Event
from tessera.due import DueItem
from tessera.expressions import is_new
from tessera.idempotency import Intent, asked_before, create, gone_row
from tessera.problems import NotFound
from tessera.settings import Bindings, Settings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import MAX_ACTIONS, Step, deleting, putting, transact, updating

from ..rules.task import INBOX, ListClosing, Task, TaskList, refused
from .rows import (
    ListRow,
    ReminderRow,
    TaskRow,
    beside,
    list_key,
    list_of,
    owned,
    row_of,
    task_key,
    task_of,
)


class TasksSettings(Settings):
    table: str
    queue: str


class Changed(Exception):
    """Somebody else wrote first: read again and decide anew."""


@dataclass(frozen=True)
class Write:
    """One task before and after. Without `before` it is new, without `after` it is gone for good."""

    before: Task | None
    after: Task | None
    event: Event | None = None


class TaskStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(TasksSettings).table))

    def get(self, owner_id: str, task_id: str, *, trashed: bool = False) -> Task:
        """1 read unit per 4 KB. Raises `NotFound`, also for a task in the trash unless `trashed` are wanted."""
        task = self.find(owner_id, task_id)
        if task is None or (task.deleted_at is not None) is not trashed:
            raise NotFound("There is no such task.")
        return task

    def find(self, owner_id: str, task_id: str) -> Task | None:
        row = self.table.get(TaskRow, owned(owner_id), task_key(task_id))
        return task_of(row) if row else None

    def many(self, owner_id: str, task_ids: Iterable[str], *, consistent: bool = False) -> list[Task]:
        """Those that exist, in this order: 1 request per 100."""
        keys = [(owned(owner_id), task_key(task_id)) for task_id in task_ids]
        return [task_of(row) for row in self.table.get_many(TaskRow, keys, consistent=consistent)] if keys else []

    def page(self, owner_id: str, limit: int, after: str | None) -> tuple[list[Task], str | None]:
        """All of an owner's tasks, and the id after which the next page starts. 1 request."""
        start = {"pk": owned(owner_id), "sk": task_key(after)} if after else None
        page = self.table.query(TaskRow, owned(owner_id), sort=Path("sk").startswith("T#"), limit=limit, after=start)
        return [task_of(row) for row in page.rows], page.next["sk"].partition("#")[2] if page.next else None

    def asked_before(self, owner_id: str, intent: Intent) -> Task | None:
        """The task that an earlier request of this intent has made. 1 or 2 reads. Raises what `create` raises of it."""
        row = asked_before(self.table, TaskRow, owned(owner_id), task_key(intent.id), intent)
        return task_of(row) if row is not None else None

    def create(self, task: Task, intent: Intent, event: Event, checks: Sequence[Step] = ()) -> tuple[Task, bool]:
        """The task and whether an earlier request made it. 1 request, 2 units for each item: tags, reminders, list.

        Raises `InvalidRequest` when the list is not there, `Changed` when a check no longer holds.
        """
        row = row_of(task, clock.now())
        write = Write(None, task)
        more = [*self._around(write), *self._counts([write]), *checks]
        created = create(self.table, row, intent, *more, event=event)
        return task_of(created.row), created.replayed

    def commit(self, *writes: Write, checks: Sequence[Step] = ()) -> None:
        """Write all of these or none. 1 request: 1 unit when nothing but one task changes, else 2 for each item.

        Raises `Changed` when a task is no longer as it was before, `InvalidRequest` for a list that is
        not there, and for a task that is both changed and checked.
        """
        steps = [step for write in writes for step in (self._main(write), *self._around(write))]
        # Several writes may check one parent, which DynamoDB takes once.
        once = {step.item_key: step for step in checks}
        if any(step.item_key in once for step in steps):
            raise refused("/operations", "One of these goes below another one that changes too. Do it afterwards.")
        steps += [*self._counts(writes), *once.values()]
        if len(steps) > MAX_ACTIONS:
            raise refused("/operations", f"Together this changes {len(steps)} items; at most {MAX_ACTIONS} go at once.")
        if len(steps) > 1:
            transact(*steps)
            return
        write = writes[0]
        assert write.before is not None and write.after is not None
        try:
            self.table.put(row_of(write.after, clock.now()), only_if=_as_read(write.before), event=write.event)
        except ConditionFailed:
            raise Changed from None

    def putting_below(self, chain: Sequence[Task]) -> list[Step]:
        """Steps that hold each of these where it is, and let whoever moves one of them know that it has grown.

        So two at once can neither make a circle nor nest too deeply.
        """
        return [
            updating(
                self.table,
                TaskRow,
                owned(parent.owner_id),
                task_key(parent.id),
                Path("below").add(1),
                only_if=_same("parent_id", parent.parent_id)
                & _same("deleted_at", _text(parent.deleted_at))
                & _not("gone"),
                refused=lambda old: Changed(),
                bump=False,
            )
            for parent in chain
        ]

    def children(self, owner_id: str, task_id: str) -> list[str]:
        """The ids of the tasks directly below this one, those in the trash too."""
        found = self.table.query_all(Row, owned(owner_id), sort=Path("sk").startswith(f"C#{task_id}#"), consistent=True)
        return [row.sk.rpartition("#")[2] for row in found]

    def mark_overdue(self, seen: DueItem, due: datetime, event: Event) -> bool:
        """Note that this was told, unless it was or the task has changed since. 1 write unit."""
        changes = [
            Path("due_pk").remove(),
            Path("due_sk").remove(),
            Path("overdue_notified_for").set(clock.rfc3339(due)),
        ]
        return self._fire(TaskRow, seen, changes, event)

    def fire_reminder(self, seen: DueItem, event: Event | None) -> bool:
        """Take the reminder out of the queue of what is due, saying so when there is something to say."""
        return self._fire(ReminderRow, seen, [Path("due_pk").remove(), Path("due_sk").remove()], event)

    def reminder_task(self, seen: DueItem) -> tuple[Task | None, datetime]:
        owner_id, task_id = seen.pk.partition("#")[2], seen.sk.split("#")[1]
        return self.find(owner_id, task_id), seen.due

    def _fire(self, row: type[Row], seen: DueItem, changes: Sequence[Change], event: Event | None) -> bool:
        as_seen = (Path("due_pk") == seen.due_pk) & (Path("due_sk") == seen.due_sk)
        try:
            # The version stays: what a client edits has not changed, so its ETag must still be good.
            self.table.update(row, seen.pk, seen.sk, *changes, only_if=as_seen, event=event, bump=False)
        except ConditionFailed:
            return False
        return True

    def _main(self, write: Write) -> Step:
        before, after = write.before, write.after
        if before is None:
            assert after is not None
            row = row_of(after, clock.now())
            return putting(self.table, row, only_if=is_new(), event=write.event, refused=lambda old: Changed())
        row = gone_row(row_of(before, clock.now())) if after is None else row_of(after, clock.now())  # type: ignore[assignment]
        return putting(self.table, row, only_if=_as_read(before), event=write.event, refused=lambda old: Changed())

    def _around(self, write: Write) -> list[Step]:
        now = clock.now()
        old = beside(write.before, now) if write.before else {}
        new = beside(write.after, now) if write.after else {}
        gone = [deleting(self.table, Row, row.pk, sk) for sk, row in old.items() if sk not in new]
        made = [row for sk, row in new.items() if sk not in old or _differs(row, old[sk])]
        return [*gone, *(putting(self.table, row) for row in made)]

    def _counts(self, writes: Sequence[Write]) -> list[Step]:
        net: dict[str, Counter[str]] = {}
        joins: set[str] = set()
        owner_id = ""
        for write in writes:
            for task, sign in ((write.before, -1), (write.after, 1)):
                if task is None:
                    continue
                owner_id = task.owner_id
                if task.deleted_at is None:
                    name = "done_count" if task.is_done else "open_count"
                    net.setdefault(task.list_id, Counter())[name] += sign
            joined = _list(write.after)
            if joined is not None and joined != _list(write.before):
                joins.add(joined)
        return [
            self._count(owner_id, list_id, deltas, joins=list_id in joins)
            for list_id, deltas in net.items()
            if any(deltas.values()) or list_id in joins
        ]

    def _count(self, owner_id: str, list_id: str, deltas: Counter[str], *, joins: bool) -> Step:
        changes: list[Change] = [Path(name).add(delta) for name, delta in deltas.items() if delta]
        is_inbox = list_id == INBOX
        if is_inbox:
            first = {"name": "Inbox", "pos": "a0", "created_at": clock.rfc3339(clock.now()), "version": 1}
            changes += [Path(name).set(Path(name) | value) for name, value in first.items()]
        only_if = _not("closing") & _not("gone") if joins else None
        return updating(
            self.table,
            ListRow,
            owned(owner_id),
            list_key(list_id),
            *changes,
            only_if=only_if,
            refused=_no_list,
            upsert=is_inbox,
            bump=False,
        )

    def get_list(self, owner_id: str, list_id: str) -> TaskList:
        """Raises `NotFound`."""
        row = self.table.get(ListRow, owned(owner_id), list_key(list_id))
        if row is None:
            raise NotFound("There is no such list.")
        return list_of(row)

    def lists(self, owner_id: str) -> list[TaskList]:
        """All of an owner's lists, in their order: they are few. Reads what is there now."""
        found = self.table.query_all(ListRow, owned(owner_id), sort=Path("sk").startswith("L#"), consistent=True)
        return sorted((list_of(row) for row in found), key=lambda one: (one.pos, one.id))

    def create_list(self, made: TaskList, intent: Intent) -> tuple[TaskList, bool]:
        row = ListRow(
            pk=owned(made.owner_id),
            sk=list_key(made.id),
            name=made.name,
            color=made.color,
            pos=made.pos,
            created_at=clock.rfc3339(made.created_at),
        )
        created = create(self.table, row, intent)
        return list_of(created.row), created.replayed

    def list_asked_before(self, owner_id: str, intent: Intent) -> TaskList | None:
        """The list that an earlier request of this intent has made. 1 or 2 reads. Raises what `create` raises of it."""
        row = asked_before(self.table, ListRow, owned(owner_id), list_key(intent.id), intent)
        return list_of(row) if row is not None else None

    def change_list(self, owner_id: str, list_id: str, changes: dict[str, str | None], expect: int | None) -> TaskList:
        """1 write unit. Raises `NotFound` or `StaleVersion`."""
        actions = [Path(name).remove() if value is None else Path(name).set(value) for name, value in changes.items()]
        try:
            row = self.table.update(
                ListRow, owned(owner_id), list_key(list_id), *actions, only_if=_not("gone"), expect=expect
            )
        except ConditionFailed:
            raise NotFound("There is no such list.") from None
        return list_of(row)

    def close_list(self, found: TaskList, job_id: str) -> Step:
        """A step after which the list takes no more tasks, because this job empties it."""
        return updating(
            self.table,
            ListRow,
            owned(found.owner_id),
            list_key(found.id),
            Path("closing").set(job_id),
            only_if=_not("gone") & _same("closing", found.closing),
            refused=lambda old: ListClosing("Somebody else is deleting it at this moment."),
        )

    def reopen_list(self, found: TaskList, job_id: str) -> None:
        """Take tasks again. Nothing happens when another job, or none, holds the list by now."""
        as_closed, change = Path("closing") == job_id, Path("closing").remove()
        try:
            self.table.update(ListRow, owned(found.owner_id), list_key(found.id), change, only_if=as_closed)
        except ConditionFailed:
            return

    def delete_list(self, found: TaskList) -> bool:
        """Leave the trace of an empty list; False when it has changed since it was read."""
        row = self.table.get(ListRow, owned(found.owner_id), list_key(found.id))
        if row is None:
            return True
        empty = (Path("open_count") == 0) & (Path("done_count") == 0) & (Path("version") == found.version)
        try:
            self.table.put(gone_row(row), only_if=empty)
        except ConditionFailed:
            return False
        return True


def _list(task: Task | None) -> str | None:
    return None if task is None or task.deleted_at is not None else task.list_id


def _no_list(old: ListRow | None) -> Exception:
    if old is not None and not old.gone and old.closing:
        return ListClosing()
    return refused("/list_id", "There is no such list.")


def _not(name: str) -> Condition:
    absent: Condition = Path(name).does_not_exist()
    return absent


def _same(name: str, value: str | int | None) -> Condition:
    held: Condition = _not(name) if value is None else Path(name) == value
    return held


def _as_read(task: Task) -> Condition:
    """The task is in the version that was read, and what is noted beside the version is too."""
    beside = _same("below", task.below or None) & _same("overdue_notified_for", _text(task.overdue_notified_for))
    as_read: Condition = (Path("version") == task.version) & beside
    return as_read


def _text(when: datetime | None) -> str | None:
    return clock.rfc3339(when) if when else None


def _differs(row: Row, other: Row) -> bool:
    return row.to_dynamodb_dict() != other.to_dynamodb_dict()
