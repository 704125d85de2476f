"""Feeds as they are sent, made beforehand so that a reader costs one read."""

from dataclasses import dataclass
from typing import Self

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from tessera import clock
from tessera.expressions import is_free
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table

from ..config import BlogSettings
from .rows import packed, unpacked


class FeedRow(Row):
    text = BinaryAttribute(legacy_encoding=False)
    sha256 = UnicodeAttribute()
    modified = NumberAttribute()


@dataclass(frozen=True)
class Document:
    """`modified` is when the newest of its posts was changed, in milliseconds."""

    text: str
    sha256: str
    modified: int


class FeedStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(BlogSettings).table))

    def get(self, key: str, form: str) -> Document | None:
        row = self.table.get(FeedRow, f"FEED#{key}", form, consistent=False)
        return Document(unpacked(row.text), row.sha256, int(row.modified)) if row else None

    def put(self, key: str, form: str, document: Document) -> None:
        row = FeedRow(
            pk=f"FEED#{key}",
            sk=form,
            text=packed(document.text),
            sha256=document.sha256,
            modified=document.modified,
        )
        self.table.put(row)

    def claim(self, key: str, seconds: int) -> bool:
        """Whether nobody else has asked for this feed just now. 1 write."""
        row = Row(pk=f"FEED#{key}", sk="ASKED", ttl=int(clock.now().timestamp()) + seconds + 30)
        try:
            self.table.put(row, only_if=is_free())
        except ConditionFailed:
            return False
        return True

    def release(self, key: str) -> None:
        self.table.delete(Row, f"FEED#{key}", "ASKED")
