"""Mails to somebody's addresses, as the export of their account shows them: that they were sent, not what they said."""

from collections.abc import Iterable, Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, Shown, after_hash, fields
from tessera.tables import Row, Table

from ..addresses import digest
from .rows import META, MailRow, SuppressionRow, recipient_pk

_shown_mail = fields("state", "category", "sender", "subject", "created_at", "reason", id=after_hash("pk"))


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    def mails(found: Sequence[Row]) -> Iterable[Shown]:
        return _shown_mail(table.get_many(MailRow, [(row.pk, META) for row in found]))

    held = fields("reason", "bulk_only", "until", "created_at")
    return [
        part
        for address in asked.addresses
        for part in (
            Part("mail", Row, recipient_pk(address), mails, index="gs2"),
            Part("suppression", SuppressionRow, f"S#{digest(address)}", held),
        )
    ]
