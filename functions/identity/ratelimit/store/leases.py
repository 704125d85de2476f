"""How many are at something at once: a counter for each subject, and an item for everybody who is at it.

Acquiring, releasing and expiring change the counter and the item in one transaction, so that the counter is the number
of items, whatever happens at the same time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.due import DueRow
from tessera.idempotency import Intent, create
from tessera.settings import Bindings
from tessera.tables import Row, Table
from tessera.transact import Step, deleting, transact, updating

from .settings import RatelimitSettings

DAY = 86_400
COUNTER = "C"
PREFIX = "L#"


class LeaseRow(DueRow):
    owner_id = UnicodeAttribute()
    expires_at = UnicodeAttribute()


class CounterRow(Row):
    c = NumberAttribute(default=0)


class Full(Exception):
    """There is no room for another one."""


class Free(Exception):
    """The lease is not there any more, or is another's."""


@dataclass(frozen=True)
class Lease:
    id: str
    expires_at: datetime


class LeaseStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(RatelimitSettings).table))

    def acquire(self, subject: str, owner_id: str, *, limit: int, ttl: timedelta, intent: Intent) -> tuple[Lease, bool]:
        """A place among `limit`, and whether an earlier request has taken it. 4 write units. Raises `Full`."""
        now = clock.now()
        row = LeaseRow(
            pk=_partition(subject),
            sk=PREFIX + intent.id,
            owner_id=owner_id,
            expires_at=clock.rfc3339(now + ttl),
            ttl=int((now + ttl).timestamp()) + DAY,
        )
        row.wait_until(now + ttl, intent.id)
        created = create(self.table, row, intent, self._counted(subject, limit, ttl))
        return _lease(created.row), created.replayed

    def release(self, subject: str, lease_id: str, owner_id: str) -> None:
        """Give the place back. 4 write units. Raises `Free`."""
        self._end(_partition(subject), PREFIX + lease_id, only_if=Path("owner_id") == owner_id)

    def expire(self, pk: str, sk: str, due_pk: str) -> None:
        """Take the place back from who has not. Raises `Free` when it was given back or is not due any more."""
        self._end(pk, sk, only_if=Path("due_pk") == due_pk)

    def end(self, subject: str, lease_id: str) -> None:
        """Take back a place whose time has run out. Raises `Free`."""
        is_over = Path("expires_at") <= clock.rfc3339(clock.now())
        self._end(_partition(subject), PREFIX + lease_id, only_if=is_over)

    def all(self, subject: str) -> list[Lease]:
        """Everybody who is at it: 1 request for each hundred."""
        found = self.table.query_all(LeaseRow, _partition(subject), sort=Path("sk").startswith(PREFIX), consistent=True)
        return [_lease(row) for row in found]

    def count(self, subject: str) -> int:
        """1 read unit."""
        found = self.table.get(CounterRow, _partition(subject), COUNTER)
        return int(found.c) if found else 0

    def _counted(self, subject: str, limit: int, ttl: timedelta) -> Step:
        expires = int((clock.now() + ttl).timestamp()) + DAY
        room = Path("c").does_not_exist() | (Path("c") < limit)
        return updating(
            self.table,
            CounterRow,
            _partition(subject),
            COUNTER,
            Path("c").add(1),
            Path("ttl").set(expires),
            only_if=room,
            refused=lambda old: Full(),
            upsert=True,
            bump=False,
        )

    def _end(self, pk: str, sk: str, *, only_if: Condition) -> None:
        transact(
            deleting(self.table, LeaseRow, pk, sk, only_if=only_if, refused=lambda old: Free()),
            updating(self.table, CounterRow, pk, COUNTER, Path("c").add(-1), bump=False, refused=lambda old: Free()),
        )


def _partition(subject: str) -> str:
    return f"LS#{subject}"


def _lease(row: LeaseRow) -> Lease:
    return Lease(row.sk.removeprefix(PREFIX), clock.parse(row.expires_at))
