"""The providers that open somebody's account, as the export of it shows them."""

from collections.abc import Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, behind, fields, instant
from tessera.tables import Table

from .rows import CLAIM, IDENTITY, IdentityRow, OfUserRow, identity_pk, user_pk

_shown_identity = fields(
    *("provider", "label", "email_at_link"),
    id="identity_id",
    subject="sub",
    linked_at=instant("linked"),
    last_login_at=instant("last_login"),
)


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    identities = behind(table, IdentityRow, lambda row: (identity_pk(row.provider, row.key), CLAIM), _shown_identity)
    return (Part("identity", OfUserRow, user_pk(asked.owner_id), identities, begins=IDENTITY),)
