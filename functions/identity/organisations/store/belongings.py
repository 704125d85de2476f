"""What somebody is a member of, as the export of their account shows it."""

from collections.abc import Iterable, Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, Shown, fields
from tessera.tables import Table

from .rows import META, MemberRow, OrganisationRow, SlotRow, user_pk


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    pk = user_pk(asked.owner_id)

    def memberships(found: Sequence[MemberRow]) -> Iterable[Shown]:
        named = {row.pk: row for row in table.get_many(OrganisationRow, [(one.pk, META) for one in found])}
        for one in found:
            organisation = named.get(one.pk)
            yield {
                "organisation_id": one.pk.partition("#")[2],
                "name": organisation.name if organisation is not None else None,
                "role": one.role,
                "joined_at": one.joined_at,
            }

    return (
        Part("membership", MemberRow, pk, memberships, index="gs1"),
        Part("made", SlotRow, pk, fields("organisation_id"), begins="SLOT#"),
    )
