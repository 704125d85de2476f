"""How many active owners there are: one item, so that the last one can never go."""

from typing import Self

from pynamodb.attributes import NumberAttribute

from tessera.expressions import is_free
from tessera.settings import Bindings
from tessera.tables import Row, Table
from tessera.transact import Step, putting, updating

from ..config import AccountSettings
from ..rules import LastOwner, OwnerExists
from .rows import MAIN

OWNERS = "SYS#owners"


class OwnersRow(Row):
    n = NumberAttribute(default=0)


class OwnerStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AccountSettings).table))

    def count(self) -> int:
        """1 read."""
        row = self.table.get(OwnersRow, OWNERS, MAIN)
        return int(row.n) if row else 0

    def one_more(self) -> Step:
        return updating(self.table, OwnersRow, OWNERS, MAIN, OwnersRow.n.add(1), upsert=True)

    def one_less(self) -> Step:
        """The step whose refusal is `LastOwner`, whoever else is leaving at the same moment."""
        another = OwnersRow.n > 1
        return updating(self.table, OwnersRow, OWNERS, MAIN, OwnersRow.n.add(-1), only_if=another, refused=LastOwner())

    def first(self) -> Step:
        taken = OwnerExists("Sign in as an owner and give the role there.")
        return putting(self.table, OwnersRow(pk=OWNERS, sk=MAIN, n=1), only_if=is_free(), refused=taken)

    def changing(self, *, before: bool, after: bool) -> list[Step]:
        """The step of a change after which a user is, or is no longer, an active owner."""
        if before == after:
            return []
        return [self.one_more() if after else self.one_less()]
