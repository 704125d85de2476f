"""Topics: who is told what is sent to one."""

from collections.abc import Sequence

from pynamodb.expressions.operand import Path

from tessera.tables import Key, Page, Table
from tessera.transact import Step, deleting, putting, transact

from .rows import SubscriberRow


class Topics:
    def __init__(self, table: Table) -> None:
        self.table = table

    def add(self, topic: str, user_ids: Sequence[str]) -> None:
        """1 transaction for up to 50."""
        transact(*(self._putting(topic, one) for one in dict.fromkeys(user_ids)))

    def remove(self, topic: str, user_ids: Sequence[str]) -> None:
        transact(*(deleting(self.table, SubscriberRow, f"TOPIC#{topic}", one) for one in dict.fromkeys(user_ids)))

    def subscribers(self, topic: str, after: str, limit: int) -> list[str]:
        """The next of them, in the order of their ids. 1 request."""
        sort = Path("sk") > after if after else None
        rows = self.table.query(SubscriberRow, f"TOPIC#{topic}", sort=sort, limit=limit, consistent=True).rows
        return [row.sk for row in rows]

    def of(self, user_id: str, limit: int, after: Key | None) -> Page[SubscriberRow]:
        return self.table.query(SubscriberRow, f"TOPICS#{user_id}", index="gs1", limit=limit, after=after)

    def _putting(self, topic: str, user_id: str) -> Step:
        row = SubscriberRow(pk=f"TOPIC#{topic}", sk=user_id, gs1_pk=f"TOPICS#{user_id}", gs1_sk=topic)
        return putting(self.table, row)
