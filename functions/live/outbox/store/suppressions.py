"""Addresses that get no mail, or none but what they ask for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from pynamodb.expressions.condition import Condition

from tessera import clock
from tessera.expressions import is_new
from tessera.tables import Key, Row, Table
from tessera.transact import Step, putting

from ..addresses import digest
from ..rules import Suppression
from .rows import SuppressionRow, suppression_of

LIST_PK = "SUPPRESSED"


class Contended(Exception):
    """Somebody else changed the address at the same time. Read it again."""


class Suppressions:
    def __init__(self, table: Table) -> None:
        self.table = table

    def held(self, addresses: Sequence[str], category: str, now: datetime) -> frozenset[str]:
        """Those of the addresses that get no such mail. 1 request per 100."""
        keys = {address: f"S#{digest(address)}" for address in addresses}
        rows = self.table.get_many(SuppressionRow, [(key, "-") for key in keys.values()])
        held = {row.pk for row in rows if suppression_of(row).holds(category, now)}
        return frozenset(address for address, key in keys.items() if key in held)

    def get(self, address_hash: str) -> SuppressionRow | None:
        return self.table.get(SuppressionRow, f"S#{address_hash}", "-")

    def changing(self, before: SuppressionRow | None, address_hash: str, after: Suppression, address: str) -> Step:
        """The step that writes it unless somebody changed it since; then the transaction raises `Contended`."""
        row = _row(before, address_hash, after, address)
        return putting(self.table, row, only_if=_unchanged(before), refused=Contended())

    def put(self, address: str, wanted: Suppression) -> None:
        """What a person decides holds, whatever was known, and whoever writes at the same time. 2 requests."""
        before = self.get(digest(address))
        # Its time is new, so whoever read what was there before is refused and reads again.
        self.table.put(_row(before, digest(address), wanted, address, since=clock.rfc3339(clock.now())))

    def lift(self, address: str) -> bool:
        """Whether there was one. 1 write unit."""
        old = self.table.delete(SuppressionRow, f"S#{digest(address)}", "-")
        return old is not None and old.reason is not None

    def page(self, limit: int, after: Key | None) -> tuple[list[dict[str, Any]], Key | None]:
        """The suppressed addresses, newest first. 1 request."""
        page = self.table.query(SuppressionRow, LIST_PK, index="gs1", limit=limit, after=after, newest_first=True)
        return [_shown(row) for row in page.rows], page.next

    def anonymise(self, address: str) -> None:
        """Keep that the address is suppressed, which its hash suffices for, and forget the address itself."""
        key = f"S#{digest(address)}"
        if self.table.get(SuppressionRow, key, "-") is not None:
            self.table.update(SuppressionRow, key, "-", SuppressionRow.address.remove())


def _unchanged(before: SuppressionRow | None) -> Condition:
    if before is None:
        return is_new()
    # Lifted and set anew, it may have the same version; the time tells them apart.
    return cast(Condition, (Row.version == before.version) & (SuppressionRow.created_at == before.created_at))


def _row(
    before: SuppressionRow | None, address_hash: str, after: Suppression, address: str, *, since: str | None = None
) -> SuppressionRow:
    row = SuppressionRow(
        pk=f"S#{address_hash}",
        sk="-",
        version=(before.version if before else 0) + 1,
        address=address or (before.address if before else None),
        reason=after.reason,
        bulk_only=after.bulk_only,
        until=clock.rfc3339(after.until) if after.until else None,
        hits=after.hits,
        recent=[clock.rfc3339(at) for at in after.recent],
        rests_until=clock.rfc3339(after.rests_until) if after.rests_until else None,
        created_at=since or (before.created_at if before else None) or clock.rfc3339(clock.now()),
    )
    if after.reason:
        row.gs1_pk, row.gs1_sk = LIST_PK, f"{row.created_at}#{address_hash}"
    return row


def _shown(row: SuppressionRow) -> dict[str, Any]:
    found = suppression_of(row)
    return {
        "address": row.address,
        "reason": found.reason,
        "bulk_only": found.bulk_only,
        "until": found.until,
        "hits": found.hits,
        "created_at": clock.parse(row.created_at or ""),
    }
