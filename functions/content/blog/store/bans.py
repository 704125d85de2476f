"""Who may not comment, for a while or for good."""

from typing import Self

from pynamodb.attributes import UnicodeAttribute

from tessera import clock
from tessera.expressions import is_free
from tessera.settings import Bindings
from tessera.tables import Row, Table
from tessera.transact import Refusal, Step, checking

from ..config import BlogSettings


class BanRow(Row):
    """Without a `ttl` it is for good."""

    by = UnicodeAttribute()
    at = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)


def ban_pk(user_id: str) -> str:
    return f"BAN#{user_id}"


def holding_unbanned(table: Table, user_id: str, refused: Refusal) -> Step:
    return checking(table, BanRow, ban_pk(user_id), "MAIN", only_if=is_free(), refused=refused)


class BanStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(BlogSettings).table))

    def get(self, user_id: str) -> BanRow | None:
        return self.table.get(BanRow, ban_pk(user_id), "MAIN")

    def ban(self, user_id: str, *, by: str, until: int | None, reason: str | None) -> None:
        """1 write."""
        ttl = until // 1000 if until is not None else None
        row = BanRow(pk=ban_pk(user_id), sk="MAIN", by=by, at=clock.rfc3339(clock.now()), reason=reason, ttl=ttl)
        self.table.put(row)

    def lift(self, user_id: str) -> None:
        self.table.delete(BanRow, ban_pk(user_id), "MAIN")
