"""Search rows and tag counts, derived from the tasks by the consumer of their own events.

`K#<owner>#<first 3 characters>` / `<token>#<task>` is a posting, `…` / `!<token>` how many there
are (a hint, to begin with the rarest word), and `P#<task>` beside the task what was derived from it.
"""

from collections.abc import Callable
from typing import Any, Self

from pynamodb.expressions.operand import Path

from tessera import words
from tessera.expressions import is_new
from tessera.problems import Busy
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, putting, transact, updating

from ..rules.task import Task, refused
from .rows import CountRow, PostingsRow, TaskRow, owned, task_key, task_of, texts
from .tasks import TasksSettings

MAX_TERMS, MAX_CANDIDATES, BATCH = 4, 500, 100
SHORTEST_PREFIX = 3


class Search:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(TasksSettings).table))

    def derive(self, owner_id: str, task_id: str, task: Task | None) -> None:
        """Bring the derived rows in step with the task as it is now, whatever event said that it changed.

        Nothing is written when words and tags are the same. Raises `Busy` when another delivery works
        on the same task: the queue tries again.
        """
        kept = self.table.get(PostingsRow, owned(owner_id), f"P#{task_id}")
        old_tokens, old_tags = (
            set(texts(kept.tokens)) if kept else set[str](),
            set(texts(kept.tags)) if kept else set[str](),
        )
        present = task is not None and task.deleted_at is None
        new_tokens = set(words.tokens(task.title)) if task and present else set()
        new_tags = set(task.tags) if task and present else set()
        unfinished = kept is not None and kept.unfinished
        if (old_tokens, old_tags) == (new_tokens, new_tags) and not unfinished:
            return
        # First what will have been derived, then the rows, then what is: a crash in between leaves
        # nothing behind that the next delivery would not find.
        version = self._claim(kept, owner_id, task_id, old_tokens | new_tokens, (old_tags, new_tags))
        for token in sorted(new_tokens if unfinished else new_tokens - old_tokens):
            self._add(owner_id, token, task_id)
        for token in sorted(old_tokens - new_tokens):
            self._remove(owner_id, token, task_id)
        self._settle(owner_id, task_id, sorted(new_tokens), version, is_needed=bool(new_tokens or new_tags))

    def _claim(
        self, kept: PostingsRow | None, owner_id: str, task_id: str, tokens: set[str], tags: tuple[set[str], set[str]]
    ) -> int:
        """Note the words, and count the tags in the same transaction, which makes their counts exact."""
        old_tags, new_tags = tags
        version = int(kept.version) + 1 if kept else 1
        row = PostingsRow(
            pk=owned(owner_id),
            sk=f"P#{task_id}",
            version=version,
            tokens=sorted(tokens) or None,
            tags=sorted(new_tags) or None,
            unfinished=1,
        )
        only_if = Path("version") == kept.version if kept else is_new()
        steps: list[Step] = [putting(self.table, row, only_if=only_if, refused=lambda old: Busy())]
        for tag in sorted(old_tags ^ new_tags):
            change = Path("count").add(1 if tag in new_tags else -1)
            steps.append(updating(self.table, CountRow, row.pk, f"G#{tag}", change, upsert=True, bump=False))
        transact(*steps)
        return version

    def _settle(self, owner_id: str, task_id: str, tokens: list[str], version: int, *, is_needed: bool) -> None:
        """Note what is derived now, or nothing at all for a task without words and tags, or without itself."""
        pk, sk, only_if = owned(owner_id), f"P#{task_id}", Path("version") == version
        change = Path("tokens").set(tokens) if tokens else Path("tokens").remove()
        try:
            if is_needed:
                self.table.update(PostingsRow, pk, sk, change, Path("unfinished").remove(), only_if=only_if)
            else:
                self.table.delete(PostingsRow, pk, sk, only_if=only_if)
        except ConditionFailed:
            raise Busy from None

    def _add(self, owner_id: str, token: str, task_id: str) -> None:
        try:
            self.table.put(Row(pk=_shelf(owner_id, token), sk=f"{token}#{task_id}"), only_if=is_new())
        except ConditionFailed:
            return
        self._tally(owner_id, token, 1)

    def _remove(self, owner_id: str, token: str, task_id: str) -> None:
        if self.table.delete(Row, _shelf(owner_id, token), f"{token}#{task_id}"):
            self._tally(owner_id, token, -1)

    def _tally(self, owner_id: str, token: str, by: int) -> None:
        pk, sk = _shelf(owner_id, token), f"!{token}"
        row = self.table.update(CountRow, pk, sk, Path("count").add(by), upsert=True, bump=False)
        if row.count <= 0:
            try:
                self.table.delete(CountRow, pk, sk, only_if=Path("count") <= 0)
            except ConditionFailed:
                return

    def find(
        self, owner_id: str, text: str, keep: Callable[[Task], bool], limit: int, state: dict[str, Any] | None
    ) -> tuple[list[Task], dict[str, Any] | None]:
        """Tasks whose titles hold every word, the last one as a beginning. At most 500 candidates are read.

        Raises `InvalidRequest` when nothing is left to search by.
        """
        terms = words.tokens(text, at_most=MAX_TERMS)
        if not terms:
            raise refused("?q", "There is no word to search by.")
        prefix = self._prefix(owner_id, terms[-1]) if not state else state["p"]
        rarest = self._rarest(owner_id, terms[:-1]) if not state else state["t"]
        token, begins = (terms[-1], prefix) if rarest is None else (rarest, f"{rarest}#")
        tasks: list[Task] = []
        after, seen, read = (state or {}).get("k"), set[str](), 0
        while read < MAX_CANDIDATES:
            page = self.table.query(
                Row, _shelf(owner_id, token), sort=Path("sk").startswith(begins), limit=BATCH, after=after
            )
            read += len(page.rows)
            found = {task.id: task for task in self._tasks(owner_id, [_task_id(row) for row in page.rows])}
            for row in page.rows:
                after = {"pk": row.pk, "sk": row.sk}
                task = found.get(_task_id(row))
                # A prefix may meet one task under several of its words.
                first = task is not None and task.id not in seen and _first_under(task, begins, row.sk)
                if task is not None and first and _holds_all(task, terms, prefix) and keep(task):
                    seen.add(task.id)
                    tasks.append(task)
                    if len(tasks) == limit:
                        more = row is not page.rows[-1] or page.next is not None
                        return tasks, {"k": after, "p": prefix, "t": rarest} if more else None
            after = page.next
            if after is None:
                return tasks, None
        return tasks, {"k": after, "p": prefix, "t": rarest}

    def _tasks(self, owner_id: str, task_ids: list[str]) -> list[Task]:
        keys = [(owned(owner_id), task_key(task_id)) for task_id in task_ids]
        return [task_of(row) for row in self.table.get_many(TaskRow, keys)] if keys else []

    def _prefix(self, owner_id: str, last: str) -> str:
        """What the last word's postings begin with. A word too short to begin with must be a whole one."""
        if len(last) >= SHORTEST_PREFIX:
            return last
        exact = f"{last}#"
        if not self.table.query(Row, _shelf(owner_id, last), sort=Path("sk").startswith(exact), limit=1).rows:
            raise refused("?q", f"A beginning has at least {SHORTEST_PREFIX} characters.")
        return exact

    def _rarest(self, owner_id: str, terms: list[str]) -> str | None:
        """The whole word with the fewest postings; None when only a beginning is given."""
        if not terms:
            return None
        keys = [(_shelf(owner_id, term), f"!{term}") for term in terms]
        counts = {row.sk[1:]: int(row.count) for row in self.table.get_many(CountRow, keys)}
        return min(terms, key=lambda term: counts.get(term, 0))


def _shelf(owner_id: str, token: str) -> str:
    return f"K#{owner_id}#{token[:3]}"


def _task_id(row: Row) -> str:
    return row.sk.rpartition("#")[2]


def _first_under(task: Task, begins: str, posting: str) -> bool:
    """Whether this is the first of the task's words with this beginning, so that pages do not repeat it."""
    token = posting.partition("#")[0]
    return not any(f"{other}#".startswith(begins) and other < token for other in words.tokens(task.title))


def _holds_all(task: Task, terms: list[str], prefix: str) -> bool:
    """The task as it is now decides, since its postings may lag behind."""
    held = words.tokens(task.title)
    return all(term in held for term in terms[:-1]) and any(f"{token}#".startswith(prefix) for token in held)
