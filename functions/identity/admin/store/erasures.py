"""Who has asked to be forgotten, and which capabilities have yet to say that they have."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from tessera import clock
from tessera.expressions import is_new
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Key, Table

from ..config import AdminSettings
from .rows import DONE_ERASURES, MAIN, OPEN_ERASURES, ErasureRow, erasure_pk

TRIES = 8


@dataclass(frozen=True)
class Erasure:
    user_id: str
    requested_at: datetime
    waiting: frozenset[str] = frozenset()
    done: dict[str, str] = field(default_factory=dict)
    finished_at: datetime | None = None


class ErasureStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AdminSettings).table))

    def page(self, *, open_ones: bool, limit: int, after: Key | None) -> tuple[list[Erasure], Key | None]:
        """Those that are not finished, or those that are, the newest first. 1 query."""
        pk = OPEN_ERASURES if open_ones else DONE_ERASURES
        page = self.table.query(ErasureRow, pk, index="gs1", limit=limit, after=after, newest_first=True)
        return [_erasure(row) for row in page.rows], page.next

    def report(self, user_id: str, capability: str, at: str, *, expected: Iterable[str] = ()) -> None:
        """This one has erased the user. 1 read, 1 write; the same report again changes nothing."""
        self._change(user_id, at, reported=capability, expected=frozenset(expected))

    def _change(self, user_id: str, at: str, *, expected: frozenset[str] = frozenset(), reported: str = "") -> None:
        for _ in range(TRIES):
            row = self.table.get(ErasureRow, erasure_pk(user_id), MAIN)
            known = _erasure(row) if row else Erasure(user_id, clock.parse(at))
            done = {**({reported: at} if reported else {}), **known.done}
            # What is expected is said by the first word of it; later it is only crossed off.
            waiting = (expected if row is None else known.waiting) - done.keys()
            if row is not None and (done, waiting) == (known.done, known.waiting):
                return
            made = _row(user_id, clock.rfc3339(known.requested_at), done, waiting, at)
            made.version = int(row.version) + 1 if row else 1
            try:
                self.table.put(made, only_if=is_new() if row is None else ErasureRow.version == row.version)
                return
            except ConditionFailed:
                # Several capabilities report at once.
                continue
        raise TimeoutError("The erasure is being reported on by too many at once.")


def _row(user_id: str, requested_at: str, done: dict[str, str], waiting: frozenset[str], at: str) -> ErasureRow:
    is_done = bool(done) and not waiting
    return ErasureRow(
        pk=erasure_pk(user_id),
        sk=MAIN,
        user_id=user_id,
        requested_at=requested_at,
        waiting=set(waiting) or None,
        done=done,
        finished_at=at if is_done else None,
        gs1_pk=DONE_ERASURES if is_done else OPEN_ERASURES,
        gs1_sk=f"{requested_at}#{user_id}",
    )


def _erasure(row: ErasureRow) -> Erasure:
    return Erasure(
        user_id=row.user_id,
        requested_at=clock.parse(row.requested_at),
        waiting=frozenset(row.waiting or ()),
        done=dict(row.done or {}),
        finished_at=clock.parse(row.finished_at) if row.finished_at else None,
    )
