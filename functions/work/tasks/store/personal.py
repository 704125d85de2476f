"""Saved views, the calendar feed's token, and erasing everything an owner has."""

import json
from collections.abc import Iterator
from typing import Self

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.idempotency import Intent, create
from tessera.jobs import jobs_of
from tessera.problems import NotFound
from tessera.settings import Bindings
from tessera.tables import Row, Table
from tessera.transact import Step, deleting, putting, telling, transact

from ..events import DataErased
from ..rules.task import View
from .rows import FeedRow, PostingsRow, ViewRow, owned, texts, view_of
from .tasks import TasksSettings


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
        row = ViewRow(pk=owned(owner_id), sk=f"V#{intent.id}", name=name, filter=json.dumps(wanted))
        row.created_at = clock.rfc3339(clock.now())
        created = create(self.table, row, intent)
        return view_of(created.row), created.replayed

    def delete_view(self, owner_id: str, view_id: str) -> None:
        """Raises `NotFound`."""
        if self.table.delete(ViewRow, owned(owner_id), f"V#{view_id}") is None:
            raise NotFound("There is no such view.")

    def replace_feed(self, owner_id: str, token_hash: str, tz: str) -> None:
        """From now on only this token opens the feed."""
        new = {"owner_id": owner_id, "token_hash": token_hash, "tz": tz}
        mine = FeedRow(pk=owned(owner_id), sk="FEED", **new)
        transact(
            *self._without_feed(owner_id),
            putting(self.table, mine),
            putting(self.table, FeedRow(pk=f"ICS#{token_hash}", sk="MAIN", **new)),
        )

    def revoke_feed(self, owner_id: str) -> None:
        steps = self._without_feed(owner_id)
        if steps:
            transact(*steps, deleting(self.table, FeedRow, owned(owner_id), "FEED"))

    def feed(self, token_hash: str) -> tuple[str, str] | None:
        """Whose feed this opens, and in which time zone they read it."""
        row = self.table.get(FeedRow, f"ICS#{token_hash}", "MAIN")
        return (row.owner_id, row.tz) if row else None

    def _without_feed(self, owner_id: str) -> list[Step]:
        known = self.table.get(FeedRow, owned(owner_id), "FEED")
        return [deleting(self.table, FeedRow, f"ICS#{known.token_hash}", "MAIN")] if known else []

    def erase(self, owner_id: str, at_most: int) -> int:
        """Delete up to this many items of an owner and return how many there were; 0 means that none is left.

        Derived rows go before the rows that name them, so that a crash loses track of none.
        """
        erased = 0
        for pk, sk in self._everything(owner_id):
            if erased == at_most:
                return erased
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
        feed = self.table.get(FeedRow, owned(owner_id), "FEED")
        if feed is not None:
            yield f"ICS#{feed.token_hash}", "MAIN"
        for pk in (owned(owner_id), jobs_of(owner_id)):
            for row in self.table.query_all(Row, pk, consistent=True):
                yield row.pk, row.sk

    def tell_erased(self, owner_id: str) -> None:
        """The proof that nothing is left, on an item of its own."""
        transact(telling(self.table, DataErased(owner_id=owner_id, capability="tasks")))
