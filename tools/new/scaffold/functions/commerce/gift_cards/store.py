from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Self

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.belongings import ExportIn, Part, after_hash, fields
from tessera.idempotency import Intent, create, gone_row
from tessera.problems import NotFound
from tessera.settings import Bindings, Settings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import MAX_ACTIONS, deleting, transact


class GiftCardsSettings(Settings):
    table: str


class ItemRow(Row):
    name = UnicodeAttribute()
    created_at = UnicodeAttribute()


@dataclass(frozen=True)
class Item:
    id: str
    name: str
    created_at: datetime
    version: int


class GiftCards:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(GiftCardsSettings).table))

    def create(self, owner_id: str, name: str, intent: Intent) -> tuple[Item, bool]:
        """The item, and whether an earlier request made it. 1 write unit."""
        row = ItemRow(pk=_owned(owner_id), sk=_key(intent.id), name=name, created_at=clock.rfc3339(clock.now()))
        created = create(self.table, row, intent)
        return _item(created.row), created.replayed

    def get(self, owner_id: str, item_id: str) -> Item:
        """1 read unit. Raises `NotFound`, also for what belongs to somebody else."""
        return _item(self._row(owner_id, item_id))

    def page(self, owner_id: str, limit: int, after: str | None) -> tuple[list[Item], str | None]:
        """Items, the newest first, and the id after which the next page starts. 1 request."""
        start = {"pk": _owned(owner_id), "sk": _key(after)} if after else None
        mine = Path("sk").startswith("I#")
        page = self.table.query(ItemRow, _owned(owner_id), sort=mine, newest_first=True, limit=limit, after=start)
        return [_item(row) for row in page.rows], _id(page.next["sk"]) if page.next else None

    def delete(self, owner_id: str, item_id: str) -> None:
        """2 requests. Raises `NotFound`."""
        row = self._row(owner_id, item_id)
        try:
            self.table.put(gone_row(row), only_if=Path("version") == row.version)
        except ConditionFailed:
            raise NotFound("There is no such item.") from None

    def erase(self, owner_id: str) -> tuple[bool, int]:
        """Delete some of what an owner has: whether that was all, and how many. At most 100 at a time."""
        found = self.table.query_all(ItemRow, _owned(owner_id), consistent=True)
        rows = list(islice(found, MAX_ACTIONS + 1))
        steps = [deleting(self.table, ItemRow, row.pk, row.sk) for row in rows[:MAX_ACTIONS]]
        if steps:
            transact(*steps)
        return len(rows) <= MAX_ACTIONS, len(steps)

    def _row(self, owner_id: str, item_id: str) -> ItemRow:
        row = self.table.get(ItemRow, _owned(owner_id), _key(item_id))
        if row is None:
            raise NotFound("There is no such item.")
        return row


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    """What an owner has, as the export of their account shows it."""
    shown = fields("name", "created_at", id=after_hash("sk"))
    return (Part("item", ItemRow, _owned(asked.owner_id), shown, begins="I#"),)


def _owned(owner_id: str) -> str:
    return f"U#{owner_id}"


def _key(item_id: str) -> str:
    return f"I#{item_id}"


def _id(sk: str) -> str:
    return sk.removeprefix("I#")


def _item(row: ItemRow) -> Item:
    return Item(_id(row.sk), row.name, clock.parse(row.created_at), int(row.version))
