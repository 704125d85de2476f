"""What is known of files besides their pictures, one item for the latest version of each, and presets."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.etags import StaleVersion, VersionRequired
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import putting, transact, updating

from ..config import MediaSettings
from ..rules.codes import Code
from ..rules.jobs import DONE, FAILED, QUEUED
from ..rules.metas import Meta
from ..rules.outputs import DEFAULT_PRESET, DEFAULT_SPECS, Spec, specs_of, text_of
from .rows import MAIN, PRESETS, SHARDS, TEXT, MetaRow, PresetRow, TextRow, meta_of, meta_pk, shard_pk


class MetaStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(MediaSettings).table))

    def find(self, file_id: str) -> Meta | None:
        """1 read unit per 4 KB."""
        row = self.table.get(MetaRow, meta_pk(file_id), MAIN)
        return meta_of(row) if row else None

    def text(self, file_id: str, etag: str) -> str | None:
        """The text of a document, of this version. 1 request."""
        row = self.table.get(TextRow, meta_pk(file_id), TEXT)
        return row.text if row is not None and row.etag == etag else None

    def expect(self, meta: Meta) -> bool:
        """Note a version that is to be looked at; False when it, or a later one, was noted already. 3 units."""
        row = MetaRow(
            pk=meta_pk(meta.file_id),
            sk=MAIN,
            owner_id=meta.owner_id,
            n=meta.n,
            etag=meta.etag,
            media_type=meta.media_type,
            size=meta.size,
            state=QUEUED,
            gs1_pk=shard_pk(_shard(meta.file_id)),
            gs1_sk=meta.file_id,
            gs3_pk=f"M#{meta.owner_id}",
            gs3_sk=meta.file_id,
        )
        is_newer = Path("pk").does_not_exist() | (Path("n") < meta.n)
        # A version of a file never comes back under another tag, but a file may be replaced by older bytes.
        is_other = (Path("n") == meta.n) & (Path("etag") != meta.etag)
        try:
            self.table.put(row, only_if=is_newer | is_other)
        except ConditionFailed:
            return False
        return True

    def learnt(self, meta: Meta, facts: dict[str, Any]) -> None:
        """Keep what was found. 1 request. Nothing happens when another version has come since."""
        kept = dict(facts)
        text = kept.pop("text", None)
        changes = [Path("state").set(DONE), Path("facts").set(json.dumps(kept)), Path("code").remove()]
        of_it = Path("etag") == meta.etag
        pk = meta_pk(meta.file_id)
        if text is None:
            self._update(meta, *changes)
            return
        steps = [
            updating(self.table, MetaRow, pk, MAIN, *changes, only_if=of_it, refused=ConditionFailed()),
            putting(self.table, TextRow(pk=pk, sk=TEXT, etag=meta.etag, text=text)),
        ]
        try:
            transact(*steps)
        except ConditionFailed:
            return

    def failed(self, meta: Meta, code: Code) -> None:
        """1 request, as above; nor where something was found already."""
        is_open = Path("state") == QUEUED
        self._update(meta, Path("state").set(FAILED), Path("code").set(code.value), only_if=is_open)

    def tried(self, meta: Meta) -> int:
        """Count one more try that came to nothing; how many there were. 1 request."""
        return self._update(meta, Path("attempts").add(1))

    def known(self, shard: int, limit: int, after: str | None) -> tuple[list[Meta], str | None]:
        """Files of one of `SHARDS`, in the order of their ids, from this one on. 1 request."""
        sort = Path("gs1_sk") > after if after else None
        page = self.table.query(MetaRow, shard_pk(shard), index="gs1", sort=sort, limit=limit)
        return [meta_of(row) for row in page.rows], page.next["gs1_sk"] if page.next else None

    def _update(self, meta: Meta, *changes: Any, only_if: Condition | None = None) -> int:
        of_it = Path("etag") == meta.etag
        only_if = of_it if only_if is None else of_it & only_if
        try:
            row = self.table.update(MetaRow, meta_pk(meta.file_id), MAIN, *changes, only_if=only_if)
        except ConditionFailed:
            return 0
        return int(row.attempts)


class PresetStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(MediaSettings).table))

    def find(self, name: str) -> tuple[tuple[Spec, ...], int] | None:
        """Its outputs and its version; the built-in one has version 0 until it is written. 1 read unit."""
        row = self.table.get(PresetRow, PRESETS, name)
        if row is not None:
            return specs_of(row.specs), int(row.version)
        return (DEFAULT_SPECS, 0) if name == DEFAULT_PRESET else None

    def put(self, name: str, specs: Sequence[Spec], expect: int | None, *, any_version: bool) -> int:
        """Write a preset and return its version. 1 unit, 2 when it was there.

        Raises `VersionRequired` when it is there and no version was named, `StaleVersion` when it is not that one.
        """
        row = PresetRow(pk=PRESETS, sk=name, specs=text_of(specs), updated_at=clock.rfc3339(clock.now()))
        if expect is None and not any_version:
            try:
                self.table.put(row, only_if=Path("pk").does_not_exist())
            except ConditionFailed:
                raise VersionRequired("There is a preset of this name. Read it, then send its ETag.") from None
            return 1
        changes = [Path("specs").set(row.specs), Path("updated_at").set(row.updated_at)]
        only_if = None if any_version else Path("version") == expect
        try:
            return int(self.table.update(PresetRow, PRESETS, name, *changes, only_if=only_if).version)
        except ConditionFailed:
            raise StaleVersion("It has changed, or is not there. Read it again.") from None


def _shard(file_id: str) -> int:
    return hashlib.sha256(file_id.encode()).digest()[0] % SHARDS
