"""How far an import has come, and what became of each of its items."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import Any, Self

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import is_free
from tessera.jobs import MAX_ERRORS
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import AlreadySeen, Step, putting, transact, updating

from ..config import BlogSettings
from ..rules.arriving import Line

KEPT = timedelta(days=7)
# Longer than a worker can live, so that two of them are seldom at one import; that nothing is made twice, the ids of
# the posts see to.
LEASE_MS = 60_000
_COUNTED = ("offset", "inside", "created", "skipped", "refused", "comments")


class ImportRow(Row):
    job_id = UnicodeAttribute()
    # Who asked for it, as they were verified then: what they may do is what the import may do.
    by = JSONAttribute()
    offset = NumberAttribute(default=0)
    inside = NumberAttribute(default=0)
    created = NumberAttribute(default=0)
    skipped = NumberAttribute(default=0)
    refused = NumberAttribute(default=0)
    comments = NumberAttribute(default=0)
    lease = NumberAttribute(default=0)


class ReportRow(Row):
    number = NumberAttribute()
    title = UnicodeAttribute()
    outcome = UnicodeAttribute()
    post_id = UnicodeAttribute(null=True)
    slug = UnicodeAttribute(null=True)
    notes = UnicodeAttribute(default="[]")
    comments = NumberAttribute(default=0)


class Running(Exception):
    """This upload is being imported, or was."""


@dataclass(frozen=True)
class Import:
    """`offset` items are done. Of the next one the post is there once `inside` is more than nothing, and one part less
    of its comments. `lease` is until when a worker holds it."""

    owner_id: str
    upload_id: str
    job_id: str
    by: dict[str, Any]
    offset: int = 0
    inside: int = 0
    created: int = 0
    skipped: int = 0
    refused: int = 0
    comments: int = 0
    lease: int = 0

    def settled(self, line: Line, *, comments_follow: bool = False) -> Self:
        """As it is once this has become of its next item."""
        after = replace(self, **{line.outcome: getattr(self, line.outcome) + 1})
        return replace(after, inside=1) if comments_follow else replace(after, offset=self.offset + 1)

    def followed(self, comments: int, *, more: bool) -> Self:
        """As it is once a further part of the comments is there."""
        after = replace(self, comments=self.comments + comments)
        return replace(after, inside=self.inside + 1) if more else replace(after, offset=self.offset + 1, inside=0)


class ImportStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(BlogSettings).table))

    def start(self, made: Import, *job: Step) -> None:
        """1 transaction. Raises `Running` for an upload that has its import."""
        row = ImportRow(pk=imports_of(made.owner_id), sk=made.upload_id, job_id=made.job_id, by=made.by, ttl=_expiry())
        transact(putting(self.table, row, only_if=is_free(), refused=Running()), *job)

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

    def release(self, made: Import) -> None:
        """Let the next delivery go on at once. 1 write, and none once another worker holds it or it is gone."""
        held = ImportRow.lease == made.lease
        with suppress(ConditionFailed):
            pk = imports_of(made.owner_id)
            self.table.update(ImportRow, pk, made.upload_id, ImportRow.lease.set(0), only_if=held, bump=False)

    def advancing(self, made: Import, after: Import, line: Line | None = None) -> list[Step]:
        """Steps that take an import from where it was to there, with what became of an item.

        They belong to the transaction of what they tell of: so that each thing is done once, and nothing any more as
        soon as the import is gone. Raises `AlreadySeen` for both.
        """
        changed = [name for name in _COUNTED if getattr(after, name) != getattr(made, name)]
        here = (ImportRow.offset == made.offset) & _at(made.inside)
        going = updating(
            self.table,
            ImportRow,
            imports_of(made.owner_id),
            made.upload_id,
            *(Path(name).set(getattr(after, name)) for name in changed),
            only_if=here,
            refused=AlreadySeen(),
            bump=False,
        )
        return [going] if line is None else [going, putting(self.table, _report(made, line))]

    def refusals(self, owner_id: str, upload_id: str) -> list[Line]:
        """The first of the items that became no post though they should have. 1 query for some thousand items."""
        found = self.table.query_all(
            ReportRow,
            imports_of(owner_id),
            sort=_between(upload_id, 0),
            only=Path("outcome") == "refused",
            consistent=True,
            limit=1_000,
        )
        return [_line(row) for row in islice(found, MAX_ERRORS)]

    def lines(self, owner_id: str, upload_id: str, limit: int, after: int) -> Sequence[Line]:
        """What became of the items after this one, at most one more than `limit`. 1 query."""
        between = _between(upload_id, after + 1)
        rows = self.table.query(ReportRow, imports_of(owner_id), sort=between, limit=limit + 1, consistent=True).rows
        return [_line(row) for row in rows]


def imports_of(owner_id: str) -> str:
    return f"IMPORTS#{owner_id}"


def _line_sk(upload_id: str, number: int) -> str:
    return f"{upload_id}#{number:06d}"


def _between(upload_id: str, first: int) -> Condition:
    found: Condition = Path("sk").between(_line_sk(upload_id, first), _line_sk(upload_id, 999_999))
    return found


def _at(inside: int) -> Condition:
    """Where it is within an item; an import that was begun before it could be within one says nothing of it."""
    same: Condition = ImportRow.inside == inside
    return same if inside else same | ImportRow.inside.does_not_exist()


def _expiry() -> int:
    return int((clock.now() + KEPT).timestamp())


def _report(made: Import, line: Line) -> ReportRow:
    return ReportRow(
        pk=imports_of(made.owner_id),
        sk=_line_sk(made.upload_id, line.number),
        number=line.number,
        title=line.title,
        outcome=line.outcome,
        post_id=line.post_id,
        slug=line.slug,
        notes=json.dumps(line.notes, ensure_ascii=False),
        comments=line.comments,
        ttl=_expiry(),
    )


def _line(row: ReportRow) -> Line:
    notes = tuple(json.loads(row.notes))
    return Line(int(row.number), row.title, row.outcome, row.post_id, row.slug, notes, int(row.comments or 0))


def _import(row: ImportRow) -> Import:
    return Import(
        owner_id=row.pk.partition("#")[2],
        upload_id=row.sk,
        job_id=row.job_id,
        by=dict(row.by),
        lease=int(row.lease),
        **{name: int(getattr(row, name) or 0) for name in _COUNTED},
    )
