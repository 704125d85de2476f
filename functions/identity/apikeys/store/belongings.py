"""The keys of an owner, as the export of their account shows them: all but what opens something."""

from collections.abc import Sequence
from typing import Any

from tessera.auth.key_item import MAIN, KeyRow
from tessera.belongings import ExportIn, Part, behind, fields, instant
from tessera.tables import Table

from .rows import OWNED, OwnedRow, id_of, owner_pk, pk_of

_shown_key = fields(
    *("name", "scopes", "env", "plan", "ip_allow", "status"),
    id="key_id",
    made_at=instant("created"),
    expires_at=instant("exp"),
    ended_at=instant("ended"),
)


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    keys = behind(table, KeyRow, lambda row: (pk_of(id_of(row)), MAIN), _shown_key)
    return (Part("key", OwnedRow, owner_pk(asked.owner_id), keys, begins=OWNED),)
