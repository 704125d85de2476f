"""Devices that have signed in: each is known again by its token, until its owner removes it."""

from collections.abc import Sequence
from typing import Self

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock, ids
from tessera.outbox import Event
from tessera.problems import Busy, NotFound
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Key, Page, Table
from tessera.transact import MAX_ACTIONS, Step, deleting, putting, transact, updating

from ..config import AccountSettings
from ..rules import DEVICE_LIFE
from .activity import telling
from .rows import DeviceRow, device_sk, expires_in, user_pk

# Sorts after every id.
AFTER_ALL = "~"


class DeviceStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AccountSettings).table))

    def knows(self, user_id: str, device_id: str) -> bool:
        """1 read."""
        return self.table.get(DeviceRow, user_pk(user_id), device_sk(device_id)) is not None

    def adding(self, row: DeviceRow, event: Event | None = None) -> Step:
        return putting(self.table, row, event=event)

    def seeing(self, row: DeviceRow) -> Step:
        """The step by which a known device signs in. One that was removed meanwhile does not come back by it."""
        changes = _seen(row.name)
        return updating(self.table, DeviceRow, row.pk, row.sk, *changes, refused=Busy(), bump=False)

    def see(self, user_id: str, device_id: str, name: str | None) -> bool:
        """Note that a device has signed in; False for one that was removed. 1 write."""
        try:
            self.table.update(DeviceRow, user_pk(user_id), device_sk(device_id), *_seen(name), bump=False)
        except ConditionFailed:
            return False
        return True

    def remember(self, row: DeviceRow, event: Event, *, also: Sequence[Event]) -> None:
        """A device that has signed in where another service keeps the session. 1 transaction."""
        transact(self.adding(row, event), *(telling(self.table, more) for more in also))

    def page(self, user_id: str, *, limit: int, after: Key | None) -> Page[DeviceRow]:
        """Those whose tokens are good, the newest first. 1 query."""
        oldest = ids.at(int((clock.now() - DEVICE_LIFE - clock.EPOCH).total_seconds() * 1000), bytes(ids.RANDOM_BYTES))
        good = Path("sk").between(device_sk(oldest), device_sk(AFTER_ALL))
        return self.table.query(
            DeviceRow, user_pk(user_id), sort=good, limit=limit, after=after, newest_first=True, consistent=True
        )

    def remove(self, user_id: str, device_id: str, event: Event) -> None:
        """1 transaction. Raises `NotFound`."""
        known = DeviceRow.device_id == device_id
        transact(
            deleting(self.table, DeviceRow, user_pk(user_id), device_sk(device_id), only_if=known, refused=NotFound),
            telling(self.table, event),
        )

    def forget_all(self, user_id: str) -> None:
        """1 query, and 1 transaction per 100 devices."""
        every = Path("sk").startswith(device_sk(""))
        rows = list(self.table.query_all(DeviceRow, user_pk(user_id), sort=every, consistent=True))
        for first in range(0, len(rows), MAX_ACTIONS):
            some = rows[first : first + MAX_ACTIONS]
            transact(*(deleting(self.table, DeviceRow, row.pk, row.sk) for row in some))


def device_row(user_id: str, device_id: str, name: str | None) -> DeviceRow:
    return DeviceRow(
        pk=user_pk(user_id),
        sk=device_sk(device_id),
        device_id=device_id,
        name=name,
        last_seen=clock.millis(),
        ttl=expires_in(DEVICE_LIFE),
    )


def _seen(name: str | None) -> list[Change]:
    """A name that was told once stays until it is told another one."""
    named = [DeviceRow.name.set(name)] if name else []
    return [DeviceRow.last_seen.set(clock.millis()), Path("ttl").set(expires_in(DEVICE_LIFE)), *named]
