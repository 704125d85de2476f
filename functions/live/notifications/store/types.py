"""Types and templates: those that come with us, and what staff have made of them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.etags import StaleVersion
from tessera.expressions import is_new
from tessera.problems import Busy, NotFound
from tessera.recent import Recent
from tessera.tables import ConditionFailed, Table
from tessera.transact import putting, transact, updating

from ..catalogue import KINDS, words_of
from ..rules.kinds import Kind, Words
from .rows import META, TemplateRow, TypeRow, dumps

# How long a process goes on with a type or a template that was changed elsewhere.
KEPT_MS = 10_000
DEFAULT_LOCALE = "en"
_TRIES = 8


class Types:
    def __init__(self, table: Table) -> None:
        self.table = table
        self._kinds: Recent[Kind] = Recent(200, kept_ms=KEPT_MS)
        self._words: Recent[Words] = Recent(500, kept_ms=KEPT_MS)

    def get(self, name: str) -> Kind | None:
        """A type as it counts. 1 request in ten seconds."""
        known = self._kinds.get(name)
        if known is None:
            row = self.table.get(TypeRow, f"T#{name}", META)
            known = _kind(name, row) if row is not None else KINDS.get(name)
            if known is not None:
                self._kinds.put(name, known)
        return known

    def put(self, kind: Kind, *, expect: int | None) -> Kind:
        """Keep a type in place of this version; 0 is one that was never changed. 1 write. Raises `StaleVersion`."""
        known = is_new() if expect == 0 else None if expect is None else Path("version") == expect
        text = dumps(_dumped(kind))
        try:
            row = self.table.update(TypeRow, f"T#{kind.name}", META, Path("kind").set(text), only_if=known, upsert=True)
        except ConditionFailed as failed:
            now = failed.old.version if failed.old else 0
            raise StaleVersion(f"You read version {expect}; it is at {now} now. Read it again.") from None
        self._kinds.drop(kind.name)
        return replace(kind, version=int(row.version))

    def words(self, kind: Kind, channel: str, locale: str) -> Words:
        """The templates that count in a language, or in the nearest one there is. 1 request in ten seconds."""
        wanted = f"{kind.name}#{channel}#{locale}"
        known = self._words.get(wanted)
        if known is None:
            known = self._published(kind, channel, locale) or words_of(kind.name, channel)
            self._words.put(wanted, known)
        return known

    def versions(self, name: str) -> list[TemplateRow]:
        """Every version and what is published, of every channel and language. 1 request a hundred."""
        return [row for row in self.table.query_all(TemplateRow, f"T#{name}", consistent=True) if row.sk != META]

    def publish(self, name: str, channel: str, locale: str, words: Words, by: str) -> int:
        """Keep a new version and publish it; its number comes back. 1 request and 1 transaction."""
        for _ in range(_TRIES):
            current = self._current(name, channel, locale)
            number = int(current.newest or 0) + 1 if current else 1
            now = clock.rfc3339(clock.now())
            values = {"words": dumps(_words_dumped(words)), "number": number, "by": by, "at": now}
            pk, stem = f"T#{name}", f"{channel}#{locale}"
            version = TemplateRow(pk=pk, sk=f"{stem}#v{number:05d}", **values)
            pointer = TemplateRow(pk=pk, sk=f"{stem}#CUR", newest=number, **values)
            unchanged = is_new() if current is None else Path("newest") == current.newest
            try:
                transact(
                    putting(self.table, version),
                    putting(self.table, pointer, only_if=unchanged, refused=_Raced()),
                )
            except _Raced:
                continue
            self._words = Recent(500, kept_ms=KEPT_MS)
            return number
        raise Busy()

    def roll_back(self, name: str, channel: str, locale: str, number: int) -> TemplateRow:
        """Publish an earlier version again. 1 request and 1 transaction. Raises `NotFound`."""
        pk, stem = f"T#{name}", f"{channel}#{locale}"
        row = self.table.get(TemplateRow, pk, f"{stem}#v{number:05d}")
        if row is None:
            raise NotFound("There is no such version.")
        changes = [Path("words").set(row.words), Path("number").set(number)]
        transact(updating(self.table, TemplateRow, pk, f"{stem}#CUR", *changes, refused=NotFound))
        self._words = Recent(500, kept_ms=KEPT_MS)
        return row

    def _current(self, name: str, channel: str, locale: str) -> TemplateRow | None:
        return self.table.get(TemplateRow, f"T#{name}", f"{channel}#{locale}#CUR")

    def _published(self, kind: Kind, channel: str, locale: str) -> Words | None:
        keys = [(f"T#{kind.name}", f"{channel}#{one}#CUR") for one in candidates(locale)]
        found = self.table.get_many(TemplateRow, keys)
        return words_in(found[0]) if found else None


class _Raced(Exception):
    pass


def candidates(locale: str) -> list[str]:
    """A language, the one it is a kind of, and the one that everything has: `pt-br`, `pt`, `en`."""
    lowered = locale.lower()
    parts = [lowered, lowered.partition("-")[0], DEFAULT_LOCALE]
    return [part for part in dict.fromkeys(parts) if part]


def words_in(row: TemplateRow) -> Words:
    return Words(**json.loads(row.words or "{}"))


def _words_dumped(words: Words) -> dict[str, str]:
    return {"title": words.title, "body": words.body, "link": words.link, "html": words.html}


def _kind(name: str, row: TypeRow) -> Kind:
    found: Mapping[str, Any] = json.loads(row.kind)
    return Kind(
        name=name,
        title=found["title"],
        description=found["description"],
        schema=found["schema"],
        channels=frozenset(found["channels"]),
        mandatory=frozenset(found["mandatory"]),
        cadence=found["cadence"],
        collapse=found["collapse"],
        fallback=found["fallback"],
        version=int(row.version),
    )


def _dumped(kind: Kind) -> dict[str, Any]:
    return {
        "title": kind.title,
        "description": kind.description,
        "schema": dict(kind.schema),
        "channels": sorted(kind.channels),
        "mandatory": sorted(kind.mandatory),
        "cadence": kind.cadence,
        "collapse": kind.collapse,
        "fallback": dict(kind.fallback),
    }
