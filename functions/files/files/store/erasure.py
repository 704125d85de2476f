"""What an owner has besides files, for deleting it."""

from collections.abc import Iterator
from itertools import islice
from typing import Self

from tessera.jobs import jobs_of
from tessera.settings import Bindings
from tessera.tables import Row, Table

from ..config import FilesSettings
from .rows import USE, owned, usage_pk


class Erasure:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(FilesSettings).table))

    def rest(self, owner_id: str, at_most: int) -> int:
        """Delete up to this many items and return how many there were."""
        found = list(islice(self._everything(owner_id), at_most))
        for pk, sk in found:
            self.table.delete(Row, pk, sk)
        return len(found)

    def _everything(self, owner_id: str) -> Iterator[tuple[str, str]]:
        for row in self.table.query_all(Row, f"G#{owner_id}", index="gs1"):
            yield row.pk, row.sk
        for pk in (owned(owner_id), jobs_of(owner_id)):
            for row in self.table.query_all(Row, pk, consistent=True):
                yield row.pk, row.sk
        if self.table.get(Row, usage_pk(owner_id), USE) is not None:
            yield usage_pk(owner_id), USE
