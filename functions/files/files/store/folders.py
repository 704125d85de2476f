"""Folders: all of an owner's stand in one partition and change one at a time, so that no two changes make a circle."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from pynamodb.expressions.operand import Path

from tessera import clock, idempotency
from tessera.idempotency import Intent, gone_row
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.transact import Step, putting, transact, updating

from ..config import FilesSettings
from ..rules.folders import Folder, Tree
from .files import Changed
from .rows import TREE, FolderRow, TreeRow, folder_of, folder_sk, owned


class FolderStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(FilesSettings).table))

    def find(self, owner_id: str, folder_id: str) -> Folder | None:
        """1 read unit."""
        row = self.table.get(FolderRow, owned(owner_id), folder_sk(folder_id))
        return folder_of(row) if row else None

    def tree(self, owner_id: str) -> Tree:
        """All folders of an owner, at most 2000: 2 requests, and 25 read units for the most there can be.

        The turn is read first: a tree that changes between the two reads is refused when it is written.
        """
        row = self.table.get(TreeRow, owned(owner_id), TREE)
        found = self.table.query_all(FolderRow, owned(owner_id), sort=Path("sk").startswith("D#"), consistent=True)
        folders = {folder.id: folder for folder in map(folder_of, found)}
        return Tree(folders, int(row.turn) if row else 0)

    def create(self, tree: Tree, folder: Folder, intent: Intent) -> tuple[Folder, bool]:
        """The folder, and whether an earlier request made it. 1 request. Raises `Changed`."""
        made = idempotency.create(self.table, _row(folder), intent, self._turning(folder.owner_id, tree))
        return folder_of(made.row), made.replayed

    def change(self, tree: Tree, before: Folder, after: Folder) -> Folder:
        """1 request. Raises `Changed`."""
        made = replace(after, version=before.version + 1)
        # Nothing else changes a folder but what moves the turn on.
        transact(putting(self.table, _row(made)), self._turning(before.owner_id, tree))
        return made

    def delete(self, tree: Tree, folder: Folder, inside: Sequence[Folder], *also: Step) -> None:
        """Delete a folder, and the first of those inside it. 1 request. Raises `Changed`."""
        steps = [putting(self.table, gone_row(_row(one))) for one in (folder, *inside)]
        transact(*steps, self._turning(folder.owner_id, tree), *also)

    def _turning(self, owner_id: str, tree: Tree) -> Step:
        turn = Path("turn")
        as_seen = turn.does_not_exist() if tree.turn == 0 else turn == tree.turn
        return updating(
            self.table,
            TreeRow,
            owned(owner_id),
            TREE,
            turn.set(tree.turn + 1),
            only_if=as_seen,
            refused=lambda old: Changed(),
            upsert=True,
            bump=False,
        )


def _row(folder: Folder) -> FolderRow:
    return FolderRow(
        pk=owned(folder.owner_id),
        sk=folder_sk(folder.id),
        version=folder.version,
        made_by=folder.made_by,
        name=folder.name,
        parent_id=folder.parent_id,
        created_at=clock.rfc3339(folder.created_at),
    )
