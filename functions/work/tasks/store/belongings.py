"""What an owner has here, as the export of their account shows it."""

from collections.abc import Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, after_hash, fields, jobs, parsed
from tessera.tables import Table

from .rows import FeedRow, ListRow, TaskRow, ViewRow, owned

TASK = (
    *("list_id", "title", "notes", "due_date", "due_at", "tz", "priority", "tags", "parent_id", "rule", "mode"),
    *("series_start", "remind_at", "completed_at", "deleted_at", "created_at", "updated_at"),
)


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    pk, own_id = owned(asked.owner_id), after_hash("sk")
    return (
        Part("list", ListRow, pk, fields("name", "color", "created_at", id=own_id), begins="L#"),
        Part("task", TaskRow, pk, fields(*TASK, id=own_id), begins="T#"),
        Part("view", ViewRow, pk, fields("name", "created_at", id=own_id, filter=parsed("filter")), begins="V#"),
        Part("feed", FeedRow, pk, fields("tz"), begins="FEED"),
        jobs(asked.owner_id),
    )
