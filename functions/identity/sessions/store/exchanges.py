"""Sign-ins that ended elsewhere and wait for their browser."""

from typing import Self

from tessera import clock
from tessera.settings import Bindings
from tessera.tables import Table

from ..config import SessionSettings
from ..rules import Proof
from .rows import MAIN, ExchangeRow, exchange_pk, exchange_row


class ExchangeStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(SessionSettings).table))

    def keep(self, code_mac: str, proof: Proof, verifier_hash: str, *, session_id: str) -> None:
        """1 write."""
        self.table.put(exchange_row(code_mac, proof, verifier_hash, session_id))

    def take(self, code_mac: str) -> ExchangeRow | None:
        """What waits under this code, which is worth nothing from here on, or None. 1 write."""
        row = self.table.delete(ExchangeRow, exchange_pk(code_mac), MAIN)
        return row if row is not None and int(row.exp) > clock.millis() else None
