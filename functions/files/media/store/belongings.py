"""What was made for an owner, as the export of their account shows it."""

from collections.abc import Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, after_hash, fields, jobs, parsed
from tessera.tables import Table

from .rows import LinkRow, MetaRow, owned


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    owner_id = asked.owner_id
    made = fields("file_id", "state", id="job_id")
    known = fields("media_type", "size", "state", file_id=after_hash("pk"), facts=parsed("facts"))
    return (
        Part("made", LinkRow, owned(owner_id), made, index="gs3"),
        Part("file", MetaRow, f"M#{owner_id}", known, index="gs3"),
        jobs(owner_id),
    )
