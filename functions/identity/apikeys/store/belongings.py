"""The keys of an owner, as the export of their account shows them: all but what opens something."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

from tessera import clock
from tessera.auth.key_item import MAIN, KeyRow
from tessera.auth.key_usage import KeyUsage, Used
from tessera.belongings import ExportIn, Part, Shown, behind, fields, instant
from tessera.settings import Bindings
from tessera.tables import Table

from .rows import ENDED, OWNED, EndedRow, OwnedRow, id_of, owner_pk, pk_of

_shown_key = fields(
    *("name", "scopes", "env", "plan", "ip_allow", "status"),
    id="key_id",
    made_at=instant("created"),
    expires_at=instant("exp"),
    ended_at=instant("ended"),
)


class KeyBelongings:
    """How they were used is kept by the limiter, and read for each page of keys in 1 request."""

    def __init__(self, usage: KeyUsage) -> None:
        self._usage = usage

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(KeyUsage))

    def __call__(self, asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
        keys = behind(table, KeyRow, lambda row: (pk_of(id_of(row)), MAIN), self._show)
        return (
            Part("key", OwnedRow, owner_pk(asked.owner_id), keys, begins=OWNED),
            Part("ended-key", EndedRow, owner_pk(asked.owner_id), self._show_ended, begins=ENDED),
        )

    def _show(self, rows: Sequence[KeyRow]) -> Iterable[Shown]:
        used = self._usage.of([row.key_id for row in rows])
        return [{**shown, **_shown_use(used.get(shown["id"], Used()))} for shown in _shown_key(rows)]

    def _show_ended(self, rows: Sequence[EndedRow]) -> Iterable[Shown]:
        """Of these the limiter may still know when the keys themselves are gone."""
        used = self._usage.of([id_of(row) for row in rows])
        return [{"id": id_of(row)} | _shown_use(used.get(id_of(row), Used())) for row in rows]


def _shown_use(use: Used) -> dict[str, Any]:
    last_at = clock.rfc3339(clock.from_millis(use.last_at)) if use.last_at else None
    return {"last_used_at": last_at, "last_used_ip": use.address, "requests_total": use.total}
