"""Reports of messages, open and done with."""

from typing import Self

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.outbox import Event
from tessera.problems import NotFound, Problem
from tessera.settings import Bindings
from tessera.tables import Key, Table
from tessera.transact import Step, putting, updating

from .rows import MAIN, ReportRow
from .writing import ChatSettings

OPEN, RESOLVED = "open", "resolved"


class ReportStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(ChatSettings).table))

    def get(self, report_id: str) -> ReportRow:
        """1 request. Raises `NotFound`."""
        row = self.table.get(ReportRow, report_pk(report_id), MAIN)
        if row is None:
            raise NotFound("There is no such report.")
        return row

    def page(self, state: str, limit: int, after: Key | None) -> tuple[list[ReportRow], Key | None]:
        """Reports in this state, the newest first. 1 request."""
        page = self.table.query(
            ReportRow, listed_under(state), index="gs1", limit=limit, after=after, newest_first=True
        )
        return page.rows, page.next

    def filing(self, row: ReportRow, event: Event) -> Step:
        return putting(self.table, row, event=event)

    def resolving(self, row: ReportRow, action: str, by: str, done: Problem) -> Step:
        """A step that closes the report with what was done about it. Raises `done` when somebody else has."""
        changes = [
            Path("state").set(RESOLVED),
            Path("action").set(action),
            Path("resolved_by").set(by),
            Path("resolved_at").set(clock.rfc3339(clock.now())),
            Path("gs1_pk").set(listed_under(RESOLVED)),
        ]
        return updating(self.table, ReportRow, row.pk, row.sk, *changes, only_if=Path("state") == OPEN, refused=done)


def report_pk(report_id: str) -> str:
    return f"REP#{report_id}"


def listed_under(state: str) -> str:
    return f"REPORTS#{state}"
