"""When somebody was last seen, whether they are online, and what others are told of it."""

from collections.abc import Sequence
from typing import Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera.recent import Recent
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, updating

from ..rules import Shows
from .rows import SEEN, PresenceSettings, SeenRow, user_pk

SEEN_EVERY_MS = 60_000
REMEMBERED = 10_000


class People:
    def __init__(self, table: Table) -> None:
        self.table = table
        # Who was noted in the last minute, so that most beats ask nothing.
        self._noted: Recent[bool] = Recent(REMEMBERED, kept_ms=SEEN_EVERY_MS)

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(PresenceSettings).table))

    def of(self, user_ids: Sequence[str]) -> dict[str, SeenRow]:
        """What is known of these. 1 request."""
        rows = self.table.get_many(SeenRow, [(user_pk(one), SEEN) for one in user_ids])
        return {row.pk.partition("#")[2]: row for row in rows}

    def note(self, user_id: str, now_ms: int) -> None:
        """They are here. 1 write a minute at most, however many devices and processes say so."""
        if self._noted.get(user_id):
            return
        self._noted.put(user_id, True)
        is_old = Path("last_seen").does_not_exist() | (Path("last_seen") <= now_ms - SEEN_EVERY_MS)
        self._update(user_id, [Path("last_seen").set(now_ms)], is_old)

    def counting(self, user_id: str, by: int, now_ms: int) -> Step:
        """A step that counts a session of theirs in, or out."""
        changes = [Path("devices").add(by), Path("last_seen").set(now_ms)]
        return updating(self.table, SeenRow, user_pk(user_id), SEEN, *changes, upsert=True, bump=False)

    def connected(self, user_id: str, is_online: bool, told_at: str, at_ms: int) -> bool:
        """What the hub has said of them, unless it has said something since. 1 write."""
        is_newer = Path("told_at").does_not_exist() | (Path("told_at") < told_at)
        changes = [Path("online").set(is_online), Path("told_at").set(told_at), Path("last_seen").set(at_ms)]
        return self._update(user_id, changes, is_newer)

    def show(self, user_id: str, shows: Shows) -> None:
        self.table.update(SeenRow, user_pk(user_id), SEEN, Path("shows").set(shows.value), upsert=True, bump=False)

    def forget(self, user_id: str) -> None:
        self.table.delete(SeenRow, user_pk(user_id), SEEN)

    def _update(self, user_id: str, changes: Sequence[Change], only_if: Condition) -> bool:
        try:
            self.table.update(SeenRow, user_pk(user_id), SEEN, *changes, only_if=only_if, upsert=True, bump=False)
        except ConditionFailed:
            return False
        return True
