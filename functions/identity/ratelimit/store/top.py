"""Who was refused in most minutes of an hour, by policy and over all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import is_free
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table

from .settings import RatelimitSettings

KEPT_DAYS = 7
TRIES = 5


class TopRow(Row):
    """`minutes` in which the subject was refused; `last` is the newest of them, in minutes since 1970."""

    policy = UnicodeAttribute()
    kind = UnicodeAttribute()
    subject = UnicodeAttribute()
    mode = UnicodeAttribute()
    minutes = NumberAttribute()
    last = NumberAttribute()
    gs1_pk = UnicodeAttribute()
    gs1_sk = UnicodeAttribute()
    gs2_pk = UnicodeAttribute()
    gs2_sk = UnicodeAttribute()


@dataclass(frozen=True)
class Limited:
    """A subject and in how many minutes of the hour it was refused."""

    policy: str
    kind: str
    subject: str
    mode: str
    minutes: int
    last_at: datetime


class TopStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(RatelimitSettings).table))

    def count(self, policy: str, kind: str, subject: str, mode: str, at: datetime) -> bool:
        """Count a minute of a subject's; False when it was counted before. 1 read and 1 write of 3 units.

        Raises `ConditionFailed` when others count the same subject all the time.
        """
        hour, minute = hour_of(at), int(at.timestamp()) // 60
        pk, sk = f"TOP#{hour}", f"{policy}#{subject}"
        for attempt in range(1, TRIES + 1):
            known = self.table.get(TopRow, pk, sk)
            if known is not None and minute <= int(known.last):
                return False
            minutes = int(known.minutes) + 1 if known else 1
            order = f"{minutes:04d}#{sk}"
            row = TopRow(
                pk=pk,
                sk=sk,
                policy=policy,
                kind=kind,
                subject=subject,
                mode=mode,
                minutes=minutes,
                last=minute,
                version=minutes,
                ttl=int(at.timestamp()) + KEPT_DAYS * 86_400,
                gs1_pk=f"{pk}#{policy}",
                gs1_sk=order,
                gs2_pk=pk,
                gs2_sk=order,
            )
            try:
                self.table.put(row, only_if=Path("last") == known.last if known else is_free())
                return True
            except ConditionFailed:
                if attempt == TRIES:
                    raise
        return False

    def most(self, hour: str, policy: str | None, limit: int) -> list[Limited]:
        """Those refused in most minutes. 1 request."""
        index, partition = ("gs1", f"TOP#{hour}#{policy}") if policy else ("gs2", f"TOP#{hour}")
        rows = self.table.query(TopRow, partition, index=index, limit=limit, newest_first=True).rows
        return [
            Limited(
                row.policy,
                row.kind,
                row.subject,
                row.mode,
                int(row.minutes),
                clock.from_millis(int(row.last) * 60_000),
            )
            for row in rows
        ]


def hour_of(at: datetime) -> str:
    """The hour of an instant, in UTC: `2026-11-21T14`."""
    return f"{clock.rfc3339(at)[:13]}"
