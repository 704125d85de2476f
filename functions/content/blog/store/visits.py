"""Where a comment came from and what the spam check said of it, for as long as somebody may still decide otherwise.

Whoever teaches the service has to say again what it was asked with.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute

from tessera import clock
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, deleting, putting

from ..config import BlogSettings

MAIN = "MAIN"
KEPT_SECONDS = 30 * 86_400


class VisitRow(Row):
    ip = UnicodeAttribute()
    agent = UnicodeAttribute(null=True)
    referrer = UnicodeAttribute(null=True)
    # What the service takes the comment for.
    spam = BooleanAttribute()


@dataclass(frozen=True)
class Visit:
    ip: str
    agent: str
    referrer: str
    is_spam: bool


def visit_pk(comment_id: str) -> str:
    return f"VISIT#{comment_id}"


def keeping(table: Table, comment_id: str, visit: Visit) -> Step:
    ttl = int(clock.now().timestamp()) + KEPT_SECONDS
    row = VisitRow(pk=visit_pk(comment_id), sk=MAIN, ip=visit.ip, spam=visit.is_spam, ttl=ttl)
    row.agent, row.referrer = visit.agent or None, visit.referrer or None
    return putting(table, row)


def forgetting(table: Table, comment_id: str) -> Step:
    return deleting(table, VisitRow, visit_pk(comment_id), MAIN)


class VisitStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(BlogSettings).table))

    def get(self, comment_id: str) -> Visit | None:
        """1 read."""
        row = self.table.get(VisitRow, visit_pk(comment_id), MAIN)
        return Visit(row.ip, row.agent or "", row.referrer or "", bool(row.spam)) if row is not None else None

    def taught(self, comment_id: str, *, is_spam: bool) -> None:
        """Note what the service takes the comment for now. 1 write, and none once the visit is forgotten."""
        with suppress(ConditionFailed):
            self.table.update(VisitRow, visit_pk(comment_id), MAIN, VisitRow.spam.set(is_spam), bump=False)
