"""What somebody of the staff has done and asked for here, as the export of their account shows it."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, Shown, fields, instant, jobs
from tessera.tables import Table

from .rows import AuditRow, InvitationRow, invited_pk


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    invited = fields("state", "roles", id="invitation_id", created_at=instant("created"), expires_at=instant("expires"))
    return (
        Part("audit", AuditRow, f"A#{asked.owner_id}", _entries, index="gs1"),
        jobs(asked.owner_id),
        *(Part("invitation", InvitationRow, invited_pk(address), invited, index="gs2") for address in asked.addresses),
    )


def _entries(rows: Sequence[AuditRow]) -> Iterable[Shown]:
    """What they did and when. To whom is that person's: of the target stands its kind alone."""
    for row in rows:
        entry = json.loads(row.entry)
        told = {name: entry.get(name) for name in ("occurred_at", "capability", "action", "outcome")}
        yield {**told, "target": entry["target"]["type"]}
