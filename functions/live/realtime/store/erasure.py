"""Deleting what a user has in the hub's table."""

from itertools import islice

from pynamodb.expressions.operand import Path

from tessera.seqlog import HEAD, HeadRow, entry_key, key_of
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import telling, transact

from ..events import DataErased
from .rows import MAIN, OnlineRow, online_key


class Erasure:
    def __init__(self, table: Table) -> None:
        self.table = table

    def entries(self, topic: str, at_most: int) -> int:
        """Delete up to this many entries of a topic; how many there were. 1 write unit each.

        The floor moves over them first, so that no reader finds a hole above it. The head stays: an offset is never
        used twice.
        """
        head = self.table.get(HeadRow, key_of(topic), HEAD)
        if head is None:
            return 0
        last = int(head.off)
        if int(head.floor) <= last:
            self._raise_floor(topic, last + 1)
        sort = Path("sk").between(entry_key(0), entry_key(last))
        rows = islice(self.table.query_all(Row, key_of(topic), sort=sort, consistent=True), at_most)
        erased = 0
        for row in list(rows):
            self.table.delete(Row, row.pk, row.sk)
            erased += 1
        return erased

    def online(self, user: str) -> None:
        """Forget whether the user is connected. 1 write unit."""
        self.table.delete(OnlineRow, online_key(user), MAIN)

    def tell(self, user: str) -> None:
        """The proof that nothing is left, on an item of its own."""
        transact(telling(self.table, DataErased(owner_id=user, capability="realtime")))

    def _raise_floor(self, topic: str, floor: int) -> None:
        try:
            self.table.update(
                HeadRow, key_of(topic), HEAD, Path("floor").set(floor), only_if=Path("floor") < floor, bump=False
            )
        except ConditionFailed:
            return
