"""Everything that is kept of a file, or of an owner, and how it goes."""

from typing import Any, Self

from tessera.jobs import jobs_of
from tessera.settings import Bindings
from tessera.tables import Row, Table
from tessera.transact import MAX_ACTIONS, deleting, telling, transact

from ..config import MediaSettings
from ..events import DataErased
from ..rules.outputs import specs_of
from .rows import META, JobRow, LinkRow, MetaRow, file_pk, job_pk, link_pk, meta_pk, owned


class Erasure:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(MediaSettings).table))

    def file(self, file_id: str) -> int:
        """Delete every job of a file and what is known of it; how many items went.

        Asked again when the index was late: what a job has, its own partition says.
        """
        gone = 0
        for link in self.table.query_all(LinkRow, file_pk(file_id), index="gs1"):
            gone += self.job(link.job_id)
        return gone + self._delete([(row.pk, row.sk) for row in self.table.query_all(Row, meta_pk(file_id))])

    def files_of(self, owner_id: str, limit: int) -> list[str]:
        """Files of which something is kept for an owner, at most so many. 2 requests."""
        links = self.table.query(LinkRow, owned(owner_id), index="gs3", limit=limit).rows
        metas = self.table.query(MetaRow, f"M#{owner_id}", index="gs3", limit=limit).rows
        return list(dict.fromkeys([*(row.file_id for row in links), *(row.gs3_sk for row in metas)]))[:limit]

    def rest(self, owner_id: str, limit: int) -> int:
        """Delete an owner's jobs of other kinds. 2 requests."""
        rows = self.table.query(Row, jobs_of(owner_id), limit=limit, consistent=True).rows
        return self._delete([(row.pk, row.sk) for row in rows])

    def tell(self, owner_id: str) -> None:
        transact(telling(self.table, DataErased(owner_id=owner_id, capability="media")))

    def job(self, job_id: str) -> int:
        """Delete a job and its outputs; how many items went."""
        rows = list(self.table.query_all(JobRow, job_pk(job_id), consistent=True))
        keys = [(row.pk, row.sk) for row in rows]
        for row in rows:
            if row.sk == META:
                keys.append((link_pk(row.file_id, row.etag, specs_of(row.specs)), "-"))
        return self._delete(keys)

    def _delete(self, keys: list[tuple[str, str]]) -> int:
        for start in range(0, len(keys), MAX_ACTIONS):
            steps: list[Any] = [deleting(self.table, Row, pk, sk) for pk, sk in keys[start : start + MAX_ACTIONS]]
            transact(*steps)
        return len(keys)
