"""Which user a create with an `Idempotency-Key` has made, since the user lies elsewhere."""

from datetime import timedelta
from typing import Self

from pynamodb.attributes import UnicodeAttribute

from tessera.expressions import is_free
from tessera.idempotency import IdempotencyMismatch, Intent
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table

from ..config import AdminSettings
from .rows import MAIN, expires_in

KEPT = timedelta(hours=24)


class ReplayRow(Row):
    user_id = UnicodeAttribute(null=True)


class ReplayStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AdminSettings).table))

    def begin(self, intent: Intent) -> tuple[str | None, bool]:
        """The user an earlier request with this key has made, and whether there was such a request at all. 1 write.

        Raises `IdempotencyMismatch` when that was another request.
        """
        row = ReplayRow(pk=_pk(intent), sk=MAIN, made_by=intent.made_by, ttl=expires_in(KEPT))
        try:
            self.table.put(row, only_if=is_free())
        except ConditionFailed as failed:
            old: ReplayRow = failed.old
            if old.made_by != intent.made_by:
                raise IdempotencyMismatch("Use a new key for a new request.") from None
            return old.user_id, True
        return None, False

    def finish(self, intent: Intent, user_id: str) -> None:
        """1 write."""
        self.table.update(ReplayRow, _pk(intent), MAIN, ReplayRow.user_id.set(user_id), bump=False)


def _pk(intent: Intent) -> str:
    return f"UK#{intent.mark}"
