"""How many requests wait at this moment: each takes a place, and without one there is no waiting."""

import secrets
from dataclasses import dataclass

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.operand import Path

from tessera import clock, ids
from tessera.expressions import is_free
from tessera.tables import ConditionFailed, Row, Table

WAITING = "WAITING"
# Longer than any request lives: a place whose holder has died is free again after that.
HELD_SECONDS = 35


class PlaceRow(Row):
    holder = UnicodeAttribute()


@dataclass(frozen=True)
class Place:
    number: str
    holder: str


class Waiting:
    def __init__(self, table: Table, places: int) -> None:
        self.table, self._places = table, places

    def take(self) -> Place | None:
        """A place, or None when all are taken. 1 read and 1 write; a write more for each race lost."""
        taken = {row.sk for row in self.table.query(PlaceRow, WAITING, consistent=True).rows}
        free = [number for number in map(_number, range(self._places)) if number not in taken]
        # Who comes at the same moment begins elsewhere.
        start = secrets.randbelow(len(free)) if free else 0
        for number in free[start:] + free[:start]:
            place = Place(number, ids.new())
            row = PlaceRow(pk=WAITING, sk=number, holder=place.holder, ttl=clock.millis() // 1_000 + HELD_SECONDS)
            try:
                self.table.put(row, only_if=is_free())
            except ConditionFailed:
                continue
            return place
        return None

    def leave(self, place: Place) -> None:
        """Free the place, unless it was given to another meanwhile. 1 write."""
        try:
            self.table.delete(PlaceRow, WAITING, place.number, only_if=Path("holder") == place.holder)
        except ConditionFailed:
            return


def _number(position: int) -> str:
    return f"{position:03d}"
