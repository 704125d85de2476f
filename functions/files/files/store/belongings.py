"""What an owner has here, as the export of their account shows it. The bytes they have by the usual way."""

from collections.abc import Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, after_hash, fields, jobs
from tessera.tables import Table

from .rows import USE, FileRow, FolderRow, GrantRow, UsageRow, file_of, owned, usage_pk

FILE = ("name", "folder_id", "type", "size", "sha256", "tags", "trashed_at", "created_at", "updated_at")


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    owner_id, file_id = asked.owner_id, after_hash("pk")
    file = fields(
        *FILE,
        id=file_id,
        state=lambda row: file_of(row).shown_state,
        content=lambda row: f"/files/{file_id(row)}/content",
    )
    granted = fields("role", "owner_id", "created_at", file_id=file_id)
    return (
        Part("file", FileRow, f"O#{owner_id}", file, index="gs2"),
        Part(
            "folder",
            FolderRow,
            owned(owner_id),
            fields("name", "parent_id", "created_at", id=after_hash("sk")),
            begins="D#",
        ),
        Part("opened-to-me", GrantRow, f"G#{owner_id}", granted, index="gs1"),
        Part("usage", UsageRow, usage_pk(owner_id), fields("used", "limit"), begins=USE),
        jobs(owner_id),
    )
