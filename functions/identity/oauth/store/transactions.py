"""Sign-ins that have gone to a provider."""

from typing import Self

from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table

from ..config import OauthSettings
from ..rules.problems import StateInvalid
from .rows import MAIN, TRANSACTION_LIFE, TransactionRow, expiry, transaction_pk


class TransactionStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(OauthSettings).table))

    def keep(self, state_mac: str, row: TransactionRow) -> int:
        """1 write. Until when it is good, in seconds since 1970, comes back."""
        row.pk, row.sk, row.ttl = transaction_pk(state_mac), MAIN, expiry(TRANSACTION_LIFE)
        self.table.put(row)
        return int(row.ttl)

    def take(self, state_mac: str, provider: str, otx_hash: str) -> TransactionRow:
        """The transaction of this state, which is worth nothing from here on. 1 write.

        It stays as it is for another browser, and for an answer that came to another provider's address: whoever
        began can still finish. Raises `StateInvalid`.
        """
        mine = (TransactionRow.otx_hash == otx_hash) & (TransactionRow.provider == provider)
        try:
            # What has outlived its time is deleted too, and nothing comes back.
            found = self.table.delete(TransactionRow, transaction_pk(state_mac), MAIN, only_if=mine)
        except ConditionFailed:
            raise StateInvalid() from None
        if found is None:
            raise StateInvalid()
        return found
