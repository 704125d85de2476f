"""What an operator has made of the limits. The layer reads these items, so their shape is `PolicyRow`'s."""

from dataclasses import dataclass
from typing import Any, Self

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.etags import StaleVersion
from tessera.expressions import is_new
from tessera.outbox import Event
from tessera.overrides import PolicyRow
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table, key, read

from .settings import RatelimitSettings

LISTED = "POLICIES"


@dataclass(frozen=True)
class Stored:
    """How an item stands: its row, or None, and its version, which goes on after a removal."""

    row: PolicyRow | None
    version: int


class PolicyStore(Table):
    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.settings(RatelimitSettings).table)

    def stored(self, name: str) -> Stored:
        """1 read unit."""
        found = read(PolicyRow, self._call("get_item", Key=key(*_key(name)), ConsistentRead=True).get("Item"))
        if found is None:
            return Stored(None, 0)
        return Stored(None if found.gone else found, int(found.version))

    def save(self, name: str, values: dict[str, Any], *, after: Stored, event: Event) -> PolicyRow:
        """Put it in force, if nobody has changed it since. 1 write unit and 1 for the list. Raises `StaleVersion`."""
        row = PolicyRow(
            **_keys(name),
            **values,
            version=after.version + 1,
            changed_at=clock.rfc3339(clock.now()),
            gs1_pk=LISTED,
            gs1_sk=name,
        )
        self._write_after(after, row, event)
        return row

    def remove(self, name: str, *, after: Stored, event: Event) -> None:
        """Take it back. The item stays and says so, because versions of a policy must never begin anew."""
        row = PolicyRow(**_keys(name), limit=1, period_seconds=1, burst=1, version=after.version + 1, gone=1)
        self._write_after(after, row, event)

    def named(self, after: str, count: int) -> list[PolicyRow]:
        """Policies in the order of their names, those behind `after`. 1 request."""
        sort = Path("gs1_sk") > after if after else None
        return self.query(PolicyRow, LISTED, index="gs1", sort=sort, limit=count).rows

    def _write_after(self, after: Stored, row: PolicyRow, event: Event) -> None:
        only_if = Path("version") == after.version if after.version else is_new()
        try:
            self.put(row, only_if=only_if, event=event)
        except ConditionFailed:
            raise StaleVersion("Somebody has changed it in between. Read it again.") from None


def name_of(row: PolicyRow) -> str:
    return row.pk.removeprefix("POLICY#")


def _key(name: str) -> tuple[str, str]:
    return f"POLICY#{name}", "V"


def _keys(name: str) -> dict[str, str]:
    pk, sk = _key(name)
    return {"pk": pk, "sk": sk}
