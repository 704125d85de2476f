"""How far an import has come, and what became of each of its items."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import is_free
from tessera.jobs import MAX_ERRORS
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import AlreadySeen, Step, putting, transact

from ..config import BlogSettings
from ..rules.arriving import Line

KEPT = timedelta(days=7)
# Longer than a worker can live, so that two of them are seldom at one import; that nothing is made twice, the ids of
# the posts see to.
LEASE_MS = 60_000


class ImportRow(Row):
    job_id = UnicodeAttribute()
    # Who asked for it, as they were verified then: what they may do is what the import may do.
    by = JSONAttribute()
    offset = NumberAttribute(default=0)
    created = NumberAttribute(default=0)
    skipped = NumberAttribute(default=0)
    refused = NumberAttribute(default=0)
    faults = UnicodeAttribute(default="[]")
    lease = NumberAttribute(default=0)


class ReportRow(Row):
    number = NumberAttribute()
    title = UnicodeAttribute()
    outcome = UnicodeAttribute()
    post_id = UnicodeAttribute(null=True)
    slug = UnicodeAttribute(null=True)
    notes = UnicodeAttribute(default="[]")


class Running(Exception):
    """This upload is being imported, or was."""


@dataclass
class Import:
    """`offset` items are done; `faults` holds the first hundred that became no post."""

    owner_id: str
    upload_id: str
    job_id: str
    by: dict[str, Any]
    offset: int = 0
    created: int = 0
    skipped: int = 0
    refused: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)

    def done(self, line: Line) -> None:
        self.offset = line.number
        setattr(self, line.outcome, getattr(self, line.outcome) + 1)
        if line.outcome == "refused":
            told = {"item": line.number, "title": line.title, "detail": " ".join(line.notes)}
            self.faults = [*self.faults, told][:MAX_ERRORS]


class ImportStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(BlogSettings).table))

    def start(self, made: Import, job: Step) -> None:
        """1 transaction. Raises `Running` for an upload that has its import."""
        row = ImportRow(pk=imports_of(made.owner_id), sk=made.upload_id, job_id=made.job_id, by=made.by, ttl=_expiry())
        transact(putting(self.table, row, only_if=is_free(), refused=Running()), job)

    def get(self, owner_id: str, upload_id: str) -> Import | None:
        row = self.table.get(ImportRow, imports_of(owner_id), upload_id)
        return _import(row) if row is not None else None

    def lease(self, owner_id: str, upload_id: str) -> Import:
        """Go on with an import, alone. 1 write.

        Raises `AlreadySeen` when another delivery of the message is at work, or there is no such import any more.
        """
        now = clock.millis()
        leased = ImportRow.lease.set(now + LEASE_MS)
        try:
            row = self.table.update(
                ImportRow, imports_of(owner_id), upload_id, leased, only_if=ImportRow.lease < now, bump=False
            )
        except ConditionFailed:
            raise AlreadySeen() from None
        return _import(row)

    def note(self, made: Import, *, release: bool = False) -> None:
        """How far it has come. 1 write, and none once the import is gone."""
        changes: dict[str, Any] = {name: getattr(made, name) for name in ("offset", "created", "skipped", "refused")}
        changes |= {"faults": json.dumps(made.faults), **({"lease": 0} if release else {})}
        actions = [Path(name).set(value) for name, value in changes.items()]
        there = ImportRow.job_id == made.job_id
        try:
            self.table.update(ImportRow, imports_of(made.owner_id), made.upload_id, *actions, only_if=there, bump=False)
        except ConditionFailed:
            return

    def report(self, made: Import, line: Line) -> None:
        """1 write; the same line again changes nothing."""
        row = ReportRow(
            pk=imports_of(made.owner_id),
            sk=_line_sk(made.upload_id, line.number),
            number=line.number,
            title=line.title,
            outcome=line.outcome,
            post_id=line.post_id,
            slug=line.slug,
            notes=json.dumps(line.notes, ensure_ascii=False),
            ttl=_expiry(),
        )
        self.table.put(row)

    def lines(self, owner_id: str, upload_id: str, limit: int, after: int) -> Sequence[Line]:
        """What became of the items after this one, at most one more than `limit`. 1 query."""
        between = Path("sk").between(_line_sk(upload_id, after + 1), _line_sk(upload_id, 999_999))
        rows = self.table.query(ReportRow, imports_of(owner_id), sort=between, limit=limit + 1, consistent=True).rows
        return [
            Line(int(row.number), row.title, row.outcome, row.post_id, row.slug, tuple(json.loads(row.notes)))
            for row in rows
        ]


def imports_of(owner_id: str) -> str:
    return f"IMPORTS#{owner_id}"


def _line_sk(upload_id: str, number: int) -> str:
    return f"{upload_id}#{number:06d}"


def _expiry() -> int:
    return int((clock.now() + KEPT).timestamp())


def _import(row: ImportRow) -> Import:
    return Import(
        owner_id=row.pk.partition("#")[2],
        upload_id=row.sk,
        job_id=row.job_id,
        by=dict(row.by),
        offset=int(row.offset),
        created=int(row.created),
        skipped=int(row.skipped),
        refused=int(row.refused),
        faults=json.loads(row.faults),
    )
