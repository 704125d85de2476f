"""The setup token, which makes the first owner."""

from datetime import timedelta
from typing import Self

from tessera import clock
from tessera.auth.mac import Mac
from tessera.expressions import is_new
from tessera.outbox import Event
from tessera.settings import Bindings
from tessera.tables import Row, Table
from tessera.transact import checking, deleting, putting, telling, transact

from ..config import AdminSettings
from ..rules import OwnerExists, SetupTokenInvalid
from .rows import MAIN, SetupRow, expires_in

SETUP, USED, PURPOSE = "SYS#setup", "USED", "admin-setup"
LIFE = timedelta(days=7)


class SetupStore:
    def __init__(self, table: Table, mac: Mac) -> None:
        self.table, self._mac = table, mac

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AdminSettings).table), bindings.get(Mac))

    def keep(self, token: str, told: Event) -> None:
        """The token replaces the one before. 1 transaction; the token itself is kept nowhere.

        Raises `OwnerExists` where one has been used already.
        """
        expires = clock.millis() + int(LIFE.total_seconds() * 1000)
        row = SetupRow(pk=SETUP, sk=MAIN, mac=self._code(token), exp=expires, ttl=expires_in(LIFE))
        unused = checking(self.table, Row, SETUP, USED, only_if=is_new(), refused=OwnerExists)
        transact(unused, putting(self.table, row), telling(self.table, told))

    def check(self, token: str) -> None:
        """1 read. Raises `SetupTokenInvalid`."""
        row = self.table.get(SetupRow, SETUP, MAIN)
        # What is compared are codes under a secret key, of which nobody learns anything from the time it takes.
        if row is None or row.mac != self._code(token) or int(row.exp) <= clock.millis():
            raise SetupTokenInvalid()

    def consume(self, token: str, told: Event) -> None:
        """1 transaction. Raises `SetupTokenInvalid` when somebody else has used it meanwhile."""
        same = SetupRow.mac == self._code(token)
        transact(
            deleting(self.table, SetupRow, SETUP, MAIN, only_if=same, refused=SetupTokenInvalid()),
            putting(self.table, Row(pk=SETUP, sk=USED)),
            telling(self.table, told),
        )

    def _code(self, token: str) -> str:
        return self._mac.hash_lookup(PURPOSE, token)
