"""Saved views, the calendar feed's token, and erasing everything an owner has."""

import json
from collections.abc import Callable, Iterator
from typing import Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import is_new
from tessera.idempotency import Intent, asked_before, create
from tessera.jobs import jobs_of
from tessera.problems import Busy, NotFound
from tessera.settings import Bindings
from tessera.tables import Row, Table
from tessera.transact import Step, deleting, putting, telling, transact

from ..events import DataErased
from ..rules.task import View
from .rows import FeedRow, PostingsRow, ViewRow, owned, texts, view_of
from .tasks import Changed, TasksSettings

MAX_TRIES = 12


class PersonalStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(TasksSettings).table))

    def views(self, owner_id: str) -> list[View]:
        """All saved views: they are few."""
        rows = self.table.query_all(ViewRow, owned(owner_id), sort=Path("sk").startswith("V#"), consistent=True)
        return [view_of(row) for row in rows]

    def create_view(self, owner_id: str, name: str, wanted: dict[str, object], intent: Intent) -> tuple[View, bool]:
        row = ViewRow(pk=owned(owner_id), sk=_view_key(intent.id), name=name, filter=json.dumps(wanted))
        row.created_at = clock.rfc3339(clock.now())
        created = create(self.table, row, intent)
        return view_of(created.row), created.replayed

    def view_asked_before(self, owner_id: str, intent: Intent) -> View | None:
        """The view that an earlier request of this intent has made. 1 or 2 reads. Raises what `create` raises of it."""
        row = asked_before(self.table, ViewRow, owned(owner_id), _view_key(intent.id), intent)
        return view_of(row) if row is not None else None

    def delete_view(self, owner_id: str, view_id: str) -> None:
        """Raises `NotFound`."""
        if self.table.delete(ViewRow, owned(owner_id), _view_key(view_id)) is None:
            raise NotFound("There is no such view.")

    def replace_feed(self, owner_id: str, token_hash: str, tz: str) -> None:
        """From now on only this token opens the feed."""
        new = {"owner_id": owner_id, "token_hash": token_hash, "tz": tz}
        mine = FeedRow(pk=owned(owner_id), sk="FEED", **new)
        theirs = putting(self.table, FeedRow(pk=f"ICS#{token_hash}", sk="MAIN", **new))

        def steps(known: FeedRow | None) -> list[Step]:
            return [putting(self.table, mine, only_if=_as_read(known), refused=lambda old: Changed()), theirs]

        self._end_feed(owner_id, steps)

    def revoke_feed(self, owner_id: str) -> None:
        """From now on no token opens the feed."""

        def steps(known: FeedRow | None) -> list[Step]:
            if known is None:
                return []
            only_if = _as_read(known)
            return [deleting(self.table, FeedRow, known.pk, "FEED", only_if=only_if, refused=lambda old: Changed())]

        self._end_feed(owner_id, steps)

    def feed(self, token_hash: str) -> tuple[str, str] | None:
        """Whose feed this opens, and in which time zone they read it."""
        row = self.table.get(FeedRow, f"ICS#{token_hash}", "MAIN")
        return (row.owner_id, row.tz) if row else None

    def _end_feed(self, owner_id: str, steps: Callable[[FeedRow | None], list[Step]]) -> None:
        """Take back the present token, together with what becomes of the owner's own row.

        Those steps must hold that row as it was read: a token made meanwhile would be one that nobody
        can take back, since nothing else names it. Raises `Busy` when others keep renewing.
        """
        for _ in range(MAX_TRIES):
            known = self.table.get(FeedRow, owned(owner_id), "FEED")
            old = [deleting(self.table, FeedRow, f"ICS#{known.token_hash}", "MAIN")] if known else []
            together = [*steps(known), *old]
            try:
                if together:
                    transact(*together)
                return
            except Changed:
                continue
        raise Busy

    def erase(self, owner_id: str, at_most: int) -> int:
        """Delete up to this many items of an owner and return how many there were; 0 means that none is left.

        Derived rows go before the rows that name them, so that a crash loses track of none.
        """
        erased = 0
        for pk, sk in self._everything(owner_id):
            if erased == at_most:
                return erased
            if sk == "FEED":
                # Together with whichever token it names by then.
                self.revoke_feed(owner_id)
            else:
                self.table.delete(Row, pk, sk)
            erased += 1
        return erased

    def _everything(self, owner_id: str) -> Iterator[tuple[str, str]]:
        for postings in self.table.query_all(
            PostingsRow, owned(owner_id), sort=Path("sk").startswith("P#"), consistent=True
        ):
            for token in texts(postings.tokens):
                yield f"K#{owner_id}#{token[:3]}", f"{token}#{postings.sk.removeprefix('P#')}"
                yield f"K#{owner_id}#{token[:3]}", f"!{token}"
            yield postings.pk, postings.sk
        for pk in (owned(owner_id), jobs_of(owner_id)):
            for row in self.table.query_all(Row, pk, consistent=True):
                yield row.pk, row.sk

    def tell_erased(self, owner_id: str) -> None:
        """The proof that nothing is left, on an item of its own."""
        transact(telling(self.table, DataErased(owner_id=owner_id, capability="tasks")))


def _view_key(view_id: str) -> str:
    return f"V#{view_id}"


def _as_read(known: FeedRow | None) -> Condition:
    as_read: Condition = is_new() if known is None else Path("token_hash") == known.token_hash
    return as_read
