"""How far an import of users has come, and what was wrong with which row."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from tessera import clock
from tessera.expressions import is_new
from tessera.jobs import MAX_ERRORS
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import AlreadySeen, Step, putting

from ..config import AdminSettings
from .rows import MAIN, expires_in

KEPT = timedelta(days=7)
# Longer than a worker can live, so that two of them are never at one import.
LEASE_MS = 60_000


class ImportRow(Row):
    job_id = UnicodeAttribute()
    object_key = UnicodeAttribute()
    format = UnicodeAttribute()
    # Who asked for it, as they were verified then: what they may do is what the import may do.
    by = JSONAttribute()
    offset = NumberAttribute(default=0)
    created = NumberAttribute(default=0)
    failed = NumberAttribute(default=0)
    faults = UnicodeAttribute(default="[]")
    lease = NumberAttribute(default=0)


@dataclass
class Import:
    """`offset` rows are done, `created` of them well; `faults` holds the first hundred of the others."""

    job_id: str
    object_key: str
    format: str
    by: dict[str, Any]
    offset: int = 0
    created: int = 0
    failed: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)

    def fail(self, *faults: dict[str, Any]) -> None:
        self.failed += 1
        self.faults = [*self.faults, *faults][:MAX_ERRORS]


class ImportStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AdminSettings).table))

    def starting(self, made: Import) -> Step:
        """The step that keeps it, for the transaction with its job."""
        row = ImportRow(pk=_pk(made.job_id), sk=MAIN, by=made.by, ttl=expires_in(KEPT), **_plain(made))
        return putting(self.table, row, only_if=is_new())

    def lease(self, job_id: str) -> Import:
        """Go on with an import, alone. 1 write.

        Raises `AlreadySeen` when another delivery of the message is at work, or was.
        """
        now = clock.millis()
        try:
            row = self.table.update(
                ImportRow,
                _pk(job_id),
                MAIN,
                ImportRow.lease.set(now + LEASE_MS),
                only_if=ImportRow.lease < now,
                bump=False,
            )
        except ConditionFailed:
            raise AlreadySeen() from None
        return Import(
            job_id=row.job_id,
            object_key=row.object_key,
            format=row.format,
            by=dict(row.by),
            offset=int(row.offset),
            created=int(row.created),
            failed=int(row.failed),
            faults=json.loads(row.faults),
        )

    def note(self, made: Import, *, release: bool = False) -> None:
        """How far it has come. 1 write."""
        changes = {**_plain(made), **({"lease": 0} if release else {})}
        actions = [getattr(ImportRow, name).set(value) for name, value in changes.items()]
        self.table.update(ImportRow, _pk(made.job_id), MAIN, *actions, bump=False)


def _pk(job_id: str) -> str:
    return f"IMP#{job_id}"


def _plain(made: Import) -> dict[str, Any]:
    return {
        "job_id": made.job_id,
        "object_key": made.object_key,
        "format": made.format,
        "offset": made.offset,
        "created": made.created,
        "failed": made.failed,
        "faults": json.dumps(made.faults),
    }
