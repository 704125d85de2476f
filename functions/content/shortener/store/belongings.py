"""What an owner has here, as the export of their account shows it."""

from collections.abc import Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, behind, fields, parsed
from tessera.tables import Table

from .rows import META, DomainRow, LinkRow, PointerRow, domains_of, link_pk, owned

_shown_link = fields(
    *("domain", "code", "url", "title", "tags", "redirect", "max_clicks", "not_before", "expires_at", "expired_url"),
    *("created_at", "updated_at"),
    id="link_id",
    rules=parsed("rules"),
)


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    links = behind(table, LinkRow, lambda one: (link_pk(one.domain, one.code), META), _shown_link)
    domain = fields("host", "created_at", "verified_at")
    return (
        Part("link", PointerRow, owned(asked.owner_id), links),
        Part("domain", DomainRow, domains_of(asked.owner_id), domain, begins="D#"),
    )
