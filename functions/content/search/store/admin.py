"""What the administrators of search decide: synonyms, and what stands on top for a query."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from tessera.problems import Busy
from tessera.settings import Bindings
from tessera.tables import Row, Table
from tessera.transact import deleting, putting, transact, updating

from ..rules.documents import FIELDS
from ..rules.problems import TooManySynonyms
from .rows import KnownRow, SearchSettings, SizeRow, pin_key, size_keys, synonym_key

MAX_SYNONYMS = 200
LIST = "SYNONYMS"


class SynonymRow(Row):
    targets = UnicodeAttribute()


class CountRow(Row):
    kept = NumberAttribute(default=0)


@dataclass(frozen=True)
class Size:
    """How large a scope is, and how long the fields of its documents are on the average."""

    documents: int
    averages: dict[str, float]


class Admin:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(SearchSettings).table))

    def synonyms(self) -> dict[str, list[str]]:
        """All of them. 1 request."""
        page = self.table.query(SynonymRow, LIST, sort=Path("sk").startswith("W#"), limit=MAX_SYNONYMS + 1)
        return {row.sk[2:]: json.loads(row.targets) for row in page.rows}

    def put_synonym(self, word: str, targets: Sequence[str]) -> None:
        """Let a word also mean these. 1 or 2 requests. Raises `TooManySynonyms`."""
        told = json.dumps(list(targets))
        known = self.table.get(SynonymRow, LIST, f"W#{word}") is not None
        pk, sk = synonym_key(word)
        steps = [
            putting(
                self.table,
                SynonymRow(pk=LIST, sk=f"W#{word}", targets=told),
                only_if=Path("pk").exists() if known else Path("pk").does_not_exist(),
                # Somebody else put or deleted it meanwhile, and it is counted by whoever was first.
                refused=lambda old: Busy(),
            ),
            putting(self.table, KnownRow(pk=pk, sk=sk, targets=told)),
        ]
        if not known:
            room = Path("kept").does_not_exist() | (Path("kept") < MAX_SYNONYMS)
            counted = Path("kept").add(1)
            full = TooManySynonyms(f"There are {MAX_SYNONYMS}. Delete one first.")
            steps.append(
                updating(self.table, CountRow, LIST, "#", counted, only_if=room, refused=full, upsert=True, bump=False)
            )
        transact(*steps)

    def delete_synonym(self, word: str) -> bool:
        """Whether there was one. 2 requests."""
        if self.table.get(SynonymRow, LIST, f"W#{word}") is None:
            return False
        transact(
            deleting(
                self.table, SynonymRow, LIST, f"W#{word}", only_if=Path("pk").exists(), refused=lambda old: Busy()
            ),
            deleting(self.table, KnownRow, *synonym_key(word)),
            updating(self.table, CountRow, LIST, "#", Path("kept").add(-1), bump=False),
        )
        return True

    def pin(self, query: str, kind: str, docs: Sequence[str]) -> None:
        """Let these stand on top of what is found by a query; none to end it. 1 request."""
        pk, sk = pin_key(query, kind)
        if docs:
            self.table.put(KnownRow(pk=pk, sk=sk, targets=json.dumps(list(docs))))
        else:
            self.table.delete(KnownRow, pk, sk)

    def size(self, scope: str) -> Size:
        """1 request."""
        rows = self.table.get_many(SizeRow, size_keys(scope))
        documents = sum(int(row.documents) for row in rows)
        totals = {name: sum(int(getattr(row, name)) for row in rows) for name in FIELDS}
        return Size(documents, {name: round(total / max(documents, 1), 2) for name, total in totals.items()})
