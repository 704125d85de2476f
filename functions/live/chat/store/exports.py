"""How far the export of a room has come: one item in the room, which lets one run at a time.

Work may be delivered twice and die anywhere. Whoever begins a step draws a number of its own, under which it keeps
what it writes, and what was kept counts only from the moment when the item names it: so of two that do the same step
one is heard, whatever the other one has written.
"""

import json
from dataclasses import asdict
from typing import Self

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.expressions import is_free
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, putting

from ..rules.exports import Counts, Export, Stage
from .rows import room_pk
from .writing import ChatSettings

EXPORT = "EXPORT"
# One that has stood still for so long gives way to another one.
PATIENCE_SECONDS = 3_600


class ExportRow(Row):
    job_id = UnicodeAttribute()
    owner_id = UnicodeAttribute()
    first_n = NumberAttribute()
    last_n = NumberAttribute()
    upload_id = UnicodeAttribute(null=True)
    stage = UnicodeAttribute()
    after = UnicodeAttribute(null=True)
    parts = UnicodeAttribute(default="[]")
    waiting = NumberAttribute(null=True)
    size_bytes = NumberAttribute(default=0)
    counts = UnicodeAttribute(default="{}")
    step = NumberAttribute(default=0)
    # The last number that was drawn.
    number = NumberAttribute(default=0)


class ExportTaken(Exception):
    """The room is being exported, or was until a moment ago."""

    def __init__(self, export: Export) -> None:
        super().__init__("The room is being exported.")
        self.export = export


class ExportStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(ChatSettings).table))

    def opening(self, export: Export) -> Step:
        """A step that begins an export. Raises `ExportTaken`."""
        row = ExportRow(
            pk=room_pk(export.room_id),
            sk=EXPORT,
            job_id=export.job_id,
            owner_id=export.owner_id,
            first_n=export.first_n,
            last_n=export.last_n,
            stage=export.stage.value,
            ttl=_until(),
        )
        return putting(self.table, row, only_if=is_free(), refused=lambda old: ExportTaken(_export(old)))

    def draw(self, room_id: str, job_id: str) -> tuple[Export, int] | None:
        """How far this export is, and a number that nobody else has; None when it is over. 1 write unit."""
        try:
            row = self.table.update(
                ExportRow,
                room_pk(room_id),
                EXPORT,
                Path("number").add(1),
                only_if=Path("job_id") == job_id,
                bump=False,
            )
        except ConditionFailed:
            return None
        return _export(row), int(row.number)

    def keep(self, export: Export) -> bool:
        """Let this be how far it is, unless the same step was kept already: then False. 1 write unit."""
        found: dict[str, str | int | None] = {
            "upload_id": export.upload_id,
            "stage": export.stage.value,
            "after": export.after,
            "parts": json.dumps(export.parts),
            "waiting": export.waiting,
            "size_bytes": export.size_bytes,
            "counts": json.dumps(asdict(export.counts)),
            "step": export.step + 1,
            "ttl": _until(),
        }
        changes: list[Change] = [
            Path(name).remove() if value is None else Path(name).set(value) for name, value in found.items()
        ]
        as_read = (Path("job_id") == export.job_id) & (Path("step") == export.step)
        try:
            self.table.update(ExportRow, room_pk(export.room_id), EXPORT, *changes, only_if=as_read, bump=False)
        except ConditionFailed:
            return False
        return True

    def end(self, export: Export) -> None:
        """Let the room be exported again. 1 write unit."""
        try:
            self.table.delete(ExportRow, room_pk(export.room_id), EXPORT, only_if=Path("job_id") == export.job_id)
        except ConditionFailed:
            return


def _until() -> int:
    return int(clock.now().timestamp()) + PATIENCE_SECONDS


def _export(row: ExportRow) -> Export:
    return Export(
        room_id=row.pk.partition("#")[2],
        job_id=row.job_id,
        owner_id=row.owner_id,
        first_n=int(row.first_n),
        last_n=int(row.last_n),
        upload_id=row.upload_id,
        stage=Stage(row.stage),
        after=row.after,
        parts=tuple((number, etag) for number, etag in json.loads(row.parts)),
        waiting=None if row.waiting is None else int(row.waiting),
        size_bytes=int(row.size_bytes),
        counts=Counts(**json.loads(row.counts)),
        step=int(row.step),
    )
