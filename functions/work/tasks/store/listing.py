"""Pages of tasks, each from the index that serves it: a page costs the page, never the table."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.settings import Bindings
from tessera.tables import Key, Row, Table

from ..rules.due import DueRange
from ..rules.filters import Filter
from ..rules.task import Sort, Status, Task
from .rows import CountRow, TaskRow, owned, task_key, task_of
from .tasks import TasksSettings

MAX_PAGES, PAGE_ROWS = 4, 100
_STATES = {Status.OPEN: ("o",), Status.DONE: ("d",), Status.ALL: ("o", "d")}

State = dict[str, Any]
Found = tuple[list[Task], State | None]


@dataclass(frozen=True)
class Segment:
    """One partition of one index, in one direction; a list walks its segments one after the other."""

    pk: str
    index: str = ""
    sort: Condition | None = None
    newest_first: bool = False


class Listing:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(TasksSettings).table))

    def page(self, owner_id: str, wanted: Filter, limit: int, state: State | None) -> Found:
        """One page and where the next one starts. 1 request, or up to 4 where no index serves the whole filter."""
        if wanted.tag is not None and wanted.sort is Sort.CREATED:
            return self._by_tag(owner_id, wanted, limit, state or {})
        if wanted.sort is Sort.CREATED and wanted.status is not Status.ALL and wanted.priority is None:
            return self._merged(owner_id, wanted, limit, state or {})
        return self._walk(_segments(owner_id, wanted), _rest(wanted), limit, state or {})

    def trash(self, owner_id: str, limit: int, state: State | None) -> Found:
        """What was deleted, the last first. 1 request."""
        segments = [Segment(f"{owned(owner_id)}#trash", "gs1", newest_first=True)]
        return self._walk(segments, None, limit, state or {})

    def everything(self, owner_id: str, state: State | None) -> Found:
        """Up to 100 tasks in the order of their creation, whatever their state. 1 request."""
        segments = [Segment(owned(owner_id), sort=Path("sk").startswith("T#"))]
        return self._walk(segments, lambda task: task.deleted_at is None, PAGE_ROWS, state or {}, most_pages=1)

    def in_list(self, owner_id: str, list_id: str, limit: int) -> list[Task]:
        """Some tasks of a list, open or done: for emptying it."""
        segments = [Segment(f"{owned(owner_id)}#{list_id}#{state}", "gs1") for state in "od"]
        return self._walk(segments, None, limit, {})[0]

    def beyond(self, task: Task, *, above: bool) -> str | None:
        """The place of the next open neighbour above or below this one. 1 request."""
        here = f"{task.pos}#{task.id}"
        sort = Path("gs1_sk") < here if above else Path("gs1_sk") > here
        pk = f"{owned(task.owner_id)}#{task.list_id}#{'d' if task.is_done else 'o'}"
        rows = self.table.query(TaskRow, pk, index="gs1", sort=sort, newest_first=above, limit=1).rows
        return rows[0].pos if rows else None

    def tags(self, owner_id: str, limit: int, state: State | None) -> tuple[list[tuple[str, int]], State | None]:
        """Tags in use and how many tasks carry each, in the order of the alphabet. 1 request."""
        page = self.table.query(
            CountRow,
            owned(owner_id),
            sort=Path("sk").startswith("G#"),
            only=Path("count") > 0,
            limit=limit,
            after=state["k"] if state else None,
        )
        found = [(row.sk.removeprefix("G#"), int(row.count)) for row in page.rows]
        return found, {"k": page.next} if page.next else None

    def _walk(
        self,
        segments: list[Segment],
        keep: Callable[[Task], bool] | None,
        limit: int,
        state: State,
        *,
        most_pages: int = MAX_PAGES,
    ) -> Found:
        tasks: list[Task] = []
        number, after = int(state.get("s", 0)), state.get("k")
        # Without a filter every segment gives all it has at once, so each is asked once.
        for _ in range(most_pages if keep else len(segments)):
            if number == len(segments):
                break
            segment = segments[number]
            page = self.table.query(
                TaskRow,
                segment.pk,
                index=segment.index,
                sort=segment.sort,
                newest_first=segment.newest_first,
                limit=PAGE_ROWS if keep else limit - len(tasks),
                after=after,
            )
            for row in page.rows:
                task = task_of(row)
                if keep is None or keep(task):
                    tasks.append(task)
                if len(tasks) == limit:
                    if page.next is not None or row is not page.rows[-1]:
                        return tasks, {"s": number, "k": _key(row, segment.index)}
                    break
            after = page.next
            if after is None:
                number += 1
            if len(tasks) == limit:
                break
        return tasks, None if number == len(segments) else {"s": number, "k": after}

    def _merged(self, owner_id: str, wanted: Filter, limit: int, state: State) -> Found:
        """Open or done tasks by creation: the four priorities of `gs3`, merged. 4 requests."""
        state_name = "d" if wanted.status is Status.DONE else "o"
        sort = Path("gs3_sk") < state["b"] if "b" in state else None
        rest = _rest(wanted)
        size = PAGE_ROWS if rest else limit
        rows: list[TaskRow] = []
        floor = ""
        for priority in range(1, 5):
            pk = f"{owned(owner_id)}#{state_name}#P{priority}"
            page = self.table.query(TaskRow, pk, index="gs3", sort=sort, newest_first=True, limit=size)
            rows += page.rows
            if page.next is not None:
                # Below the last row of a partition that goes on, another one's rows may come too early.
                floor = max(floor, page.next["gs3_sk"])
        ordered = sorted((row for row in rows if row.gs3_sk >= floor), key=lambda row: row.gs3_sk, reverse=True)
        tasks: list[Task] = []
        last = ""
        for row in ordered:
            task, last = task_of(row), row.gs3_sk
            if rest is None or rest(task):
                tasks.append(task)
                if len(tasks) == limit:
                    break
        is_end = not floor and (not ordered or last == ordered[-1].gs3_sk)
        return tasks, None if is_end else {"b": last or floor}

    def _by_tag(self, owner_id: str, wanted: Filter, limit: int, state: State) -> Found:
        """Tasks with a tag by creation: the tag's own rows, then the tasks. 2 requests for each page of rows."""
        tasks: list[Task] = []
        after: Key | None = state.get("k")
        prefix = f"X#{wanted.tag}#"
        for _ in range(MAX_PAGES):
            page = self.table.query(
                Row,
                owned(owner_id),
                sort=Path("sk").startswith(prefix),
                newest_first=True,
                limit=limit - len(tasks),
                after=after,
            )
            keys = [(row.pk, task_key(row.sk.removeprefix(prefix))) for row in page.rows]
            if keys:
                tasks += [task for row in self.table.get_many(TaskRow, keys) if wanted.holds(task := task_of(row))]
            after = page.next
            if after is None or len(tasks) == limit:
                break
        return tasks, {"k": after} if after else None


def _segments(owner_id: str, wanted: Filter) -> list[Segment]:
    owner, states = owned(owner_id), _STATES[wanted.status]
    if wanted.sort is Sort.MANUAL:
        return [Segment(f"{owner}#{wanted.list_id}#{state}", "gs1") for state in states]
    if wanted.sort is Sort.DUE:
        return [Segment(f"{owner}#o", "gs2", _due_sort(wanted.due))]
    if wanted.sort is Sort.COMPLETED:
        return [Segment(f"{owner}#d", "gs2", newest_first=True)]
    if wanted.sort is Sort.PRIORITY or (wanted.priority is not None and wanted.status is not Status.ALL):
        priorities = [wanted.priority] if wanted.priority else [1, 2, 3, 4]
        return [
            Segment(f"{owner}#{state}#P{priority}", "gs3", newest_first=True)
            for priority in priorities
            for state in states
        ]
    return [Segment(owner, sort=Path("sk").startswith("T#"), newest_first=True)]


def _due_sort(due: DueRange | None) -> Condition | None:
    if due is None:
        return None
    # `$` sorts just above the `#` that follows an instant in the key.
    since = clock.rfc3339(due.since or datetime.min.replace(tzinfo=clock.EPOCH.tzinfo))
    until = f"{clock.rfc3339(due.until)}$" if due.until else "~"
    return Path("gs2_sk").between(since, until)


def _rest(wanted: Filter) -> Callable[[Task], bool] | None:
    """What the index does not serve of this filter; None when it serves all of it."""
    served = {
        Sort.MANUAL: {"list_id"},
        Sort.DUE: {"due"},
        Sort.COMPLETED: set[str](),
        Sort.PRIORITY: {"priority"},
        Sort.CREATED: set[str](),
    }[wanted.sort]
    if wanted.sort is Sort.CREATED and wanted.status is not Status.ALL:
        served = {"priority"}
    asked = {name for name in ("list_id", "due", "priority", "tag") if getattr(wanted, name) is not None}
    # The table itself, in the order of creation, also holds what is in the trash.
    is_table = wanted.sort is Sort.CREATED and wanted.status is Status.ALL
    return wanted.holds if asked - served or is_table else None


def _key(row: TaskRow, index: str) -> Key:
    found = {"pk": row.pk, "sk": row.sk}
    if index:
        found |= {name: getattr(row, name) for name in (f"{index}_pk", f"{index}_sk")}
    return found
