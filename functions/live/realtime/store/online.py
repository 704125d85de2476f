"""Whether a user has any connection, and the events that say so."""

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.bus import Event
from tessera.tables import Table
from tessera.transact import telling, transact

from .rows import MAIN, OnlineRow, online_key


class Online:
    def __init__(self, table: Table) -> None:
        self.table = table

    def become(self, user: str, is_here: bool, event: Event) -> None:
        """Note it and tell it. 1 write. Raises `ConditionFailed` when that is known already."""
        known = Path("online") == is_here
        only_if = ~known & Path("online").exists() if not is_here else ~known
        changes = [Path("online").set(is_here), Path("since").set(clock.millis())]
        self.table.update(
            OnlineRow, online_key(user), MAIN, *changes, only_if=only_if, event=event, upsert=True, bump=False
        )

    def tell(self, event: Event) -> None:
        transact(telling(self.table, event))
