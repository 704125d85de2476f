"""Rooms: made and changed by their owner, entered and left by condition."""

from typing import Self

from pynamodb.expressions.operand import Path

from tessera.etags import StaleVersion
from tessera.expressions import is_new
from tessera.problems import NotFound
from tessera.recent import Recent
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, updating

from ..rules import DocumentTaken, Room, RoomFull, TooManyInside, Wanted
from .rows import META, PresenceSettings, RoomRow, doc_pk, members_text, room_of, rooms_of

# For how long a process goes by what it has seen of a room, where who is admitted was decided before.
REMEMBERED, REMEMBERED_MS = 2_000, 30_000


class Changed(Exception):
    """Somebody else wrote first: read again and decide anew."""


class RoomStore:
    def __init__(self, table: Table) -> None:
        self.table = table
        self._seen: Recent[Room] = Recent(REMEMBERED, kept_ms=REMEMBERED_MS)

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(PresenceSettings).table))

    def get(self, doc: str) -> Room:
        """A room as it is. 1 request. Raises `NotFound`."""
        row = self.table.get(RoomRow, doc_pk(doc), META)
        if row is None:
            self._seen.drop(doc)
            raise NotFound("There is no such room.")
        return self._remember(row)

    def remembered(self, doc: str) -> Room:
        """A room as it was at most 30 seconds ago, which is good enough for who is inside. 0 or 1 requests."""
        return self._seen.get(doc) or self.get(doc)

    def put(self, doc: str, owner_id: str, wanted: Wanted, *, expect: int | None, may_make: bool) -> tuple[Room, bool]:
        """Make the room or change it, and whether it is new. 1 request, 2 for one that there is.

        Raises `NotFound`, `DocumentTaken`, `TooManyInside` and `StaleVersion`.
        """
        if may_make:
            row = RoomRow(pk=doc_pk(doc), sk=META, owner=owner_id, gs1_pk=rooms_of(owner_id), gs1_sk=doc)
            row.max_members, row.ttl_s = wanted.max_members, wanted.ttl_s
            row.visibility, row.members = wanted.visibility.value, members_text(wanted)
            try:
                self.table.put(row, only_if=is_new())
                return self._remember(row), True
            except ConditionFailed:
                pass
        changes = [
            Path("max_members").set(wanted.max_members),
            Path("ttl_s").set(wanted.ttl_s),
            Path("visibility").set(wanted.visibility.value),
            Path("members").set(members_text(wanted)),
        ]
        only_if = (Path("owner") == owner_id) & (Path("count") <= wanted.max_members)
        if expect is not None:
            only_if = only_if & (Path("version") == expect)
        try:
            changed = self.table.update(RoomRow, doc_pk(doc), META, *changes, only_if=only_if)
        except ConditionFailed as failed:
            raise _refused(failed.old, owner_id, expect) from None
        return self._remember(changed), False

    def entering(self, room: Room, place: int) -> Step:
        """A step that takes a seat and its colour: in this room, as it was decided on, while there is one."""
        is_so = Path("version") == room.version
        is_free = (Path("count") < room.wanted.max_members) & ~RoomRow.colors.contains(place)
        return updating(
            self.table,
            RoomRow,
            doc_pk(room.doc),
            META,
            Path("count").add(1),
            RoomRow.colors.add({place}),
            only_if=is_so & is_free,
            bump=False,
            refused=_not_entered,
        )

    def freeing(self, doc: str, place: int) -> Step:
        """A step that gives the seat and its colour back."""
        changes = [Path("count").add(-1), RoomRow.colors.delete({place})]
        return updating(self.table, RoomRow, doc_pk(doc), META, *changes, bump=False)

    def of_owner(self, owner_id: str, at_most: int) -> list[str]:
        """The documents whose rooms are theirs. 1 request."""
        rows = self.table.query(Row, rooms_of(owner_id), index="gs1", limit=at_most).rows
        return [row.pk.partition("#")[2] for row in rows]

    def delete(self, doc: str) -> bool:
        """Take an empty room away; false when somebody is inside."""
        try:
            self.table.delete(RoomRow, doc_pk(doc), META, only_if=Path("count") == 0)
        except ConditionFailed as failed:
            return failed.old is None
        self._seen.drop(doc)
        return True

    def _remember(self, row: RoomRow) -> Room:
        room = room_of(row)
        self._seen.put(room.doc, room)
        return room


def _refused(old: RoomRow | None, owner_id: str, expect: int | None) -> Exception:
    """Who does not own a room learns only that its name is taken."""
    if old is None:
        return NotFound("There is no such room.")
    if old.owner != owner_id:
        return DocumentTaken("Name another document.")
    if expect is not None and int(old.version) != expect:
        return StaleVersion(f"You read version {expect}; it is at {int(old.version)} now. Read it again.")
    return TooManyInside(f"{int(old.count)} are inside. Let some leave first, or allow as many.")


def _not_entered(old: RoomRow | None) -> Exception:
    if old is not None and int(old.count) >= int(old.max_members):
        return RoomFull(f"It holds {int(old.max_members)}.")
    return Changed()
