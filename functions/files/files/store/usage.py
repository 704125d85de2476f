"""How much of an owner's room is taken: one item, changed only together with what takes or gives it back."""

from dataclasses import dataclass
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, updating

from ..rules.files import Content, State, Usage
from ..rules.problems import QuotaExceeded, TooManyPending
from .rows import USE, UsageRow, usage_of, usage_pk


@dataclass(frozen=True)
class Taken:
    """What a change takes of the room, less than nothing where it gives back."""

    reserved: int = 0
    used: int = 0
    pending: int = 0

    @classmethod
    def between(cls, before: Content | None, after: Content | None) -> "Taken":
        old, new = _taken(before), _taken(after)
        return cls(new.reserved - old.reserved, new.used - old.used, new.pending - old.pending)

    @property
    def room(self) -> int:
        return self.reserved + self.used

    def __bool__(self) -> bool:
        return bool(self.reserved or self.used or self.pending)


def _taken(content: Content | None) -> Taken:
    if content is None:
        return Taken()
    return Taken(content.reserved, content.charged, int(content.state is State.PENDING))


class UsageStore:
    """The rooms of all owners. `default` is what somebody has for whom nothing else was said."""

    def __init__(self, table: Table, default: int, max_pending: int) -> None:
        self.table, self._default, self._max_pending = table, default, max_pending

    def get(self, owner_id: str) -> Usage:
        """1 read unit."""
        return usage_of(self.table.get(UsageRow, usage_pk(owner_id), USE), self._default)

    def taking(self, owner_id: str, taken: Taken) -> list[Step]:
        """The step that takes it; none when nothing changes. Raises `QuotaExceeded` or `TooManyPending` in its time."""
        if not taken:
            return []
        room, only_if = Path("room"), None
        changes: list[Change] = [room.set((room | self._default) - taken.room)]
        changes += [
            Path(name).add(value)
            for name, value in (("used", taken.used), ("reserved", taken.reserved), ("pending", taken.pending))
            if value
        ]
        if taken.room > 0:
            only_if = self._has_room(taken.room)
        if taken.pending > 0:
            few = Path("pending").does_not_exist() | (Path("pending") < self._max_pending)
            only_if = few if only_if is None else only_if & few
        step = updating(
            self.table,
            UsageRow,
            usage_pk(owner_id),
            USE,
            *changes,
            only_if=only_if,
            refused=lambda old: self._refusal(old, taken),
            upsert=True,
            bump=False,
        )
        return [step]

    def set_limit(self, owner_id: str, limit: int) -> Usage:
        """1 read and 1 write unit, more when somebody else sets it at the same moment."""
        while True:
            row = self.table.get(UsageRow, usage_pk(owner_id), USE)
            known = Path("limit")
            as_read = known.does_not_exist() if row is None or row.limit is None else known == row.limit
            more = limit - usage_of(row, self._default).limit
            changes = [known.set(limit), Path("room").set((Path("room") | self._default) + more)]
            try:
                found = self.table.update(
                    UsageRow, usage_pk(owner_id), USE, *changes, only_if=as_read, upsert=True, bump=False
                )
            except ConditionFailed:
                continue
            return usage_of(found, self._default)

    def _has_room(self, size: int) -> Condition:
        room = Path("room")
        known: Condition = room >= size
        return known if size > self._default else known | room.does_not_exist()

    def _refusal(self, old: Any, taken: Taken) -> Exception:
        found = usage_of(old, self._default)
        if taken.room > 0 and found.left < taken.room:
            return QuotaExceeded(f"{max(0, found.left)} of {found.limit} bytes are left; {taken.room} are needed.")
        return TooManyPending("Finish or cancel some uploads first. They end by themselves after a day.")
