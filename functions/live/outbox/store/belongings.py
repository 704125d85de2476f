"""Mails to somebody's addresses, as the export of their account shows them: that they were sent, not what they said."""

from collections.abc import Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, after_hash, behind, fields
from tessera.tables import Row, Table

from ..addresses import digest
from .rows import META, MailRow, SuppressionRow, recipient_pk

_shown_mail = fields("state", "category", "sender", "subject", "created_at", "reason", id=after_hash("pk"))


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    mails = behind(table, MailRow, lambda row: (row.pk, META), _shown_mail)
    held = fields("reason", "bulk_only", "until", "created_at")
    return [
        part
        for address in asked.addresses
        for part in (
            Part("mail", Row, recipient_pk(address), mails, index="gs2"),
            Part("suppression", SuppressionRow, f"S#{digest(address)}", held),
        )
    ]
