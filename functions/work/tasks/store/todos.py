"""Namespaces of the Todo-Backend facade. A generation number makes emptying one cost one write."""

import json
from typing import Self

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import is_free
from tessera.problems import Busy, NotFound
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, deleting, putting, transact, updating

from ..rules.todo import KEPT_DAYS, MAX_TODOS, NamespaceFull, Todo, sorted_todos
from .rows import NamespaceRow, TodoRow, todo_of
from .tasks import Changed, TasksSettings

MAX_TRIES = 6


class TodoStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(TasksSettings).table))

    def all(self, ns: str) -> list[Todo]:
        """2 requests, consistent: who has just written reads what they wrote."""
        space = self._space(ns)
        return [] if space is None else self._todos(ns, int(space.gen))

    def get(self, ns: str, todo_id: str) -> Todo:
        """2 requests. Raises `NotFound`."""
        return todo_of(self._row(ns, todo_id))

    def add(self, ns: str, todo: Todo) -> Todo:
        """2 requests, 4 write units. Raises `NamespaceFull`."""
        for _ in range(MAX_TRIES):
            space = self._space(ns)
            if space is not None and space.cnt >= MAX_TODOS:
                self._recount(ns, space)
                continue
            gen = int(space.gen) if space else 0
            row = TodoRow(pk=_shelf(ns, gen), sk=todo.id, title=todo.title, completed=int(todo.completed))
            row.order, row.ttl = _number(todo.order), _ttl()
            try:
                transact(self._counted(ns, gen, is_first=space is None), putting(self.table, row))
            except Changed:
                # It was emptied, or filled up, since we looked.
                continue
            return todo
        raise Busy

    def change(self, ns: str, todo_id: str, changes: dict[str, object]) -> Todo:
        """4 requests. Raises `NotFound`."""
        row = self._row(ns, todo_id)
        actions = []
        if "title" in changes:
            actions.append(Path("title").set(str(changes["title"])))
        if "completed" in changes:
            actions.append(Path("completed").set(int(bool(changes["completed"]))))
        if "order" in changes:
            order = _number(changes["order"])
            actions.append(Path("order").remove() if order is None else Path("order").set(order))
        if not actions:
            return todo_of(row)
        try:
            todo = todo_of(self.table.update(TodoRow, row.pk, row.sk, Path("ttl").set(_ttl()), *actions))
            self.table.update(NamespaceRow, _space_key(ns), "META", Path("ttl").set(_ttl()), bump=False)
            return todo
        except ConditionFailed:
            raise _absent() from None

    def remove(self, ns: str, todo_id: str) -> None:
        """2 requests, 4 write units. Raises `NotFound`."""
        row = self._row(ns, todo_id)
        gen = int(row.pk.rpartition("#")[2])
        gone = deleting(self.table, TodoRow, row.pk, row.sk, only_if=Path("pk").exists(), refused=lambda old: _absent())
        fewer = updating(
            self.table,
            NamespaceRow,
            _space_key(ns),
            "META",
            Path("cnt").add(-1),
            only_if=Path("gen") == gen,
            refused=lambda old: _absent(),
            bump=False,
        )
        transact(gone, fewer)

    def clear(self, ns: str) -> None:
        """1 write unit, however many there are: the old generation cannot be reached any more, and expires."""
        changes = [
            Path("gen").set((Path("gen") | 0) + 1),
            Path("cnt").set(0),
            Path("ttl").set(_ttl()),
            Path("version").set(1),
        ]
        self.table.update(NamespaceRow, _space_key(ns), "META", *changes, upsert=True, bump=False)

    def _counted(self, ns: str, gen: int, *, is_first: bool) -> Step:
        if is_first:
            space = NamespaceRow(pk=_space_key(ns), sk="META", gen=gen, cnt=1, ttl=_ttl())
            return putting(self.table, space, only_if=is_free(), refused=lambda old: Changed())
        return updating(
            self.table,
            NamespaceRow,
            _space_key(ns),
            "META",
            Path("cnt").add(1),
            Path("ttl").set(_ttl()),
            only_if=(Path("gen") == gen) & (Path("cnt") < MAX_TODOS),
            refused=lambda old: Changed(),
            bump=False,
        )

    def _recount(self, ns: str, space: NamespaceRow) -> None:
        """Todos expire one by one without telling, so a full count may be too high. Raises `NamespaceFull`."""
        count = len(self._todos(ns, int(space.gen)))
        if count >= MAX_TODOS:
            raise NamespaceFull(f"Delete some first: a namespace holds at most {MAX_TODOS}.")
        as_read = (Path("gen") == space.gen) & (Path("cnt") == space.cnt)
        try:
            change = Path("cnt").set(count)
            self.table.update(NamespaceRow, space.pk, space.sk, change, only_if=as_read, bump=False)
        except ConditionFailed:
            return

    def _space(self, ns: str) -> NamespaceRow | None:
        return self.table.get(NamespaceRow, _space_key(ns), "META")

    def _todos(self, ns: str, gen: int) -> list[Todo]:
        found = self.table.query_all(TodoRow, _shelf(ns, gen), consistent=True, limit=MAX_TODOS)
        return sorted_todos([todo_of(row) for row in found])

    def _row(self, ns: str, todo_id: str) -> TodoRow:
        space = self._space(ns)
        row = self.table.get(TodoRow, _shelf(ns, int(space.gen)), todo_id) if space else None
        if row is None:
            raise _absent()
        return row


def _space_key(ns: str) -> str:
    return f"N#{ns}"


def _shelf(ns: str, gen: int) -> str:
    return f"N#{ns}#{gen}"


def _absent() -> NotFound:
    return NotFound("There is no such todo.")


def _number(order: object) -> str | None:
    return None if order is None else json.dumps(order)


def _ttl() -> int:
    return int(clock.now().timestamp()) + KEPT_DAYS * 86_400
