"""The items of a log, and what is said of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from tessera.due import DueRow
from tessera.tables import Row

HEAD = "HEAD"


class HeadRow(DueRow):
    epoch = UnicodeAttribute()
    off = NumberAttribute()
    floor = NumberAttribute(default=1)
    shards = NumberAttribute(default=0)


class EntryRow(Row):
    data = UnicodeAttribute()
    tags = UnicodeAttribute(default="{}")
    info = UnicodeAttribute(null=True)
    at = NumberAttribute()
    id = UnicodeAttribute()
    trace = UnicodeAttribute(null=True)
    # How many shards somebody listened on when it was written; absent when nobody did.
    poke = UnicodeAttribute(null=True)

    @property
    def offset(self) -> int:
        return offset_of(self.sk)


@dataclass(frozen=True)
class Head:
    """Where a log stands. An empty one that nobody has written to has no epoch."""

    epoch: str = ""
    off: int = 0
    floor: int = 1
    shards: int = 0

    @classmethod
    def of(cls, row: HeadRow | None) -> "Head":
        if row is None:
            return cls()
        return cls(row.epoch, int(row.off), int(row.floor), int(row.shards))


@dataclass(frozen=True)
class Entry:
    """What is to be appended."""

    data: Any
    tags: Mapping[str, str] = field(default_factory=dict)
    info: Mapping[str, Any] | None = None
    id: str = ""
    trace: str = ""


@dataclass(frozen=True)
class Appended:
    """Where the entries stand now, and on how many shards somebody listens."""

    epoch: str
    first: int
    last: int
    shards: int


def key_of(topic: str) -> str:
    return f"LOG#{topic}"


def entry_key(offset: int) -> str:
    return f"E#{offset:016d}"


def offset_of(sort: str) -> int:
    return int(sort.removeprefix("E#"))


def as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
