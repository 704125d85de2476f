"""Cards as they were made, failures too, and who is fetching a page right now."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.settings import Bindings, Settings
from tessera.tables import ConditionFailed, Row, Table

from .rules.cards import Card
from .rules.lifetimes import STALE

CARD, LOCK = "CARD", "LOCK"
# A page is fetched within 8 seconds; whoever takes longer has died. A job waits in its queue as well.
LEASE_SECONDS, JOB_LEASE_SECONDS = 12, 60


class LinkpreviewSettings(Settings):
    table: str
    queue: str = ""


class CardRow(Row):
    """`card` or `problem` is JSON. Times are milliseconds since 1970."""

    card = UnicodeAttribute(null=True)
    problem = UnicodeAttribute(null=True)
    detail = UnicodeAttribute(null=True)
    fetched = NumberAttribute()
    expires = NumberAttribute()


class LockRow(Row):
    taken = NumberAttribute()
    until = NumberAttribute()


@dataclass(frozen=True)
class Kept:
    """What is known of a page: its card, or the slug of what was in the way. Times are milliseconds since 1970."""

    fetched: int
    expires: int
    card: Card | None = None
    problem: str = ""
    detail: str = ""
    # When it is no longer shown at all: 7 days after it is outdated, unless something else is said.
    forgotten: int = 0

    @property
    def is_fresh(self) -> bool:
        return clock.millis() < self.expires

    @property
    def age_seconds(self) -> int:
        return max(0, (clock.millis() - self.fetched) // 1_000)


@dataclass(frozen=True)
class Lease:
    """Somebody's right to fetch a page: one's own when `is_mine`."""

    taken: int
    until: int
    is_mine: bool


class CardStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(LinkpreviewSettings).table))

    def get(self, key: str, *, consistent: bool = False) -> Kept | None:
        """1 request, half a read unit per 4 KB unless consistent."""
        row = self.table.get(CardRow, _pk(key), CARD, consistent=consistent)
        return _kept(row) if row is not None else None

    def lease(self, key: str, *, seconds: int = LEASE_SECONDS) -> Lease:
        """The right to fetch, or that of whoever has it. 1 write unit; exactly one of many gets it."""
        now = clock.millis()
        until = now + seconds * 1_000
        row = LockRow(pk=_pk(key), sk=LOCK, taken=now, until=until, ttl=until // 1_000 + 60)
        try:
            self.table.put(row, only_if=Path("pk").does_not_exist() | (Path("until") <= now))
        except ConditionFailed as failed:
            # An item whose time is up meanwhile is not read; whoever asks comes again at once.
            old: Any = failed.old
            return Lease(int(old.taken), int(old.until), is_mine=False) if old else Lease(now, now, is_mine=False)
        return Lease(now, until, is_mine=True)

    def release(self, key: str, lease: Lease) -> None:
        """Give the right back unused. 1 write unit."""
        try:
            self.table.delete(LockRow, _pk(key), LOCK, only_if=Path("taken") == lease.taken)
        except ConditionFailed:
            return

    def keep(self, key: str, found: Kept) -> Kept:
        """Keep what was found and return what is kept, which is another's find if that is newer. 1 request."""
        row = CardRow(
            pk=_pk(key),
            sk=CARD,
            card=_adapter().dump_json(found.card).decode() if found.card else None,
            problem=found.problem or None,
            detail=found.detail or None,
            fetched=found.fetched,
            expires=found.expires,
            ttl=found.forgotten // 1_000 or found.expires // 1_000 + STALE,
        )
        try:
            self.table.put(row, only_if=Path("pk").does_not_exist() | (Path("fetched") <= found.fetched))
        except ConditionFailed as failed:
            return _kept(failed.old) if failed.old is not None else found
        return found

    def forget(self, key: str) -> None:
        """Let the page be fetched anew by whoever asks next. 2 write units."""
        self.table.delete(CardRow, _pk(key), CARD)
        self.table.delete(LockRow, _pk(key), LOCK)


def _pk(key: str) -> str:
    return f"LP#{key}"


def _kept(row: Any) -> Kept:
    card = _adapter().validate_json(row.card) if row.card else None
    return Kept(int(row.fetched), int(row.expires), card, row.problem or "", row.detail or "", int(row.ttl) * 1_000)


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Card)
