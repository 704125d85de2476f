"""Who listens to a topic, in shards, and how far the delivery to each shard has come."""

from dataclasses import dataclass

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.due import due_keys
from tessera.expressions import is_new
from tessera.recent import Recent
from tessera.seqlog import HEAD, Head, HeadRow, key_of
from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, checking, transact, updating

from .rows import (
    KEPT_SECONDS,
    MARK,
    MarkRow,
    SubscriptionRow,
    held_key,
    mark_key,
    subscribers_key,
)

# A topic that nobody has listened to for so long is written to without waking anybody.
UNHEARD_SECONDS = 600


@dataclass(frozen=True)
class Listener:
    connection: str
    state: str
    born: int
    hears: bool


class Listeners:
    def __init__(self, table: Table) -> None:
        self.table = table
        self._rows: Recent[tuple[int, list[Listener]]] = Recent(500)

    def add(self, row: SubscriptionRow) -> MarkRow:
        """Somebody who joins: 2 writes, never a transaction, which a storm of joins would turn into conflicts.

        Raises `ConditionFailed` when the connection listens to the topic already.
        """
        row.ttl = clock.millis() // 1_000 + KEPT_SECONDS
        self.table.put(row, only_if=is_new())
        return self._bump(row.topic, int(row.shard), 1)

    def get(self, topic: str, shard: int, connection: str) -> SubscriptionRow | None:
        return self.table.get(SubscriptionRow, subscribers_key(topic, shard), connection)

    def make_live(self, row: SubscriptionRow, offset: int) -> bool:
        """From now on it gets what is delivered. False when it has left meanwhile, also if it has come again since."""
        changes = [Path("state").set("live"), Path("at").set(offset)]
        only_if = (Path("state") == "joining") & (Path("born") == int(row.born))
        try:
            self.table.update(SubscriptionRow, row.pk, row.sk, *changes, only_if=only_if, bump=False)
        except ConditionFailed:
            return False
        self._bump(row.topic, int(row.shard), 0)
        return True

    def extend(self, row: SubscriptionRow, expires_at: int) -> None:
        """A new token for it. 1 write unit. Raises `ConditionFailed` when it has ended."""
        row.end_at(expires_at)
        names = ("expires_at", "due_pk", "due_sk")
        changes = [Path(name).set(getattr(row, name)) for name in names]
        self.table.update(SubscriptionRow, row.pk, row.sk, *changes, only_if=Path("born") == int(row.born), bump=False)

    def remove(self, topic: str, shard: int, connection: str) -> SubscriptionRow | None:
        """Take it away, once however often that is asked: the row as it was, or None."""
        try:
            row = self.table.delete(
                SubscriptionRow, subscribers_key(topic, shard), connection, only_if=Path("pk").exists()
            )
        except ConditionFailed:
            return None
        self._bump(topic, shard, -1)
        return row

    def of_connection(self, connection: str) -> list[SubscriptionRow]:
        """What a connection listens to, as far as the index knows. 1 request a page."""
        return list(self.table.query_all(SubscriptionRow, held_key(connection), index="gs1"))

    def mark(self, topic: str, shard: int) -> MarkRow | None:
        return self.table.get(MarkRow, mark_key(topic, shard), MARK)

    def everybody(self, topic: str, shard: int, version: int | None = None) -> list[Listener]:
        """Who listens on this shard, by connection; read again only when `version` is not the one remembered."""
        name = mark_key(topic, shard)
        known = self._rows.get(f"{self.table.name}/{name}")
        if known is not None and version is not None and known[0] == version:
            return known[1]
        rows = self.table.query_all(SubscriptionRow, subscribers_key(topic, shard), consistent=True, limit=1_000)
        found = [Listener(row.connection, row.state, int(row.born), bool(row.hears)) for row in rows]
        if version is not None:
            self._rows.put(f"{self.table.name}/{name}", (version, found))
        return found

    def rows(self, topic: str, shard: int) -> list[SubscriptionRow]:
        """The same with all that is known of each. 1 request a page."""
        return list(self.table.query_all(SubscriptionRow, subscribers_key(topic, shard), consistent=True))

    def progress(self, topic: str, shard: int, *, off: int, to: int, after: str) -> None:
        """Everybody up to `after` has the entries up to `to`. 1 write. Raises `ConditionFailed`."""
        changes = [Path("to").set(to), Path("after").set(after)]
        self.table.update(MarkRow, mark_key(topic, shard), MARK, *changes, only_if=Path("off") == off, bump=False)

    def move(self, topic: str, shard: int, epoch: str, *, off: int, to: int) -> None:
        """Everybody has the entries up to `to`. 1 write. Raises `ConditionFailed` when another delivery was first."""
        changes: list[Change] = [
            Path("off").set(to),
            Path("epoch").set(epoch),
            Path("to").remove(),
            Path("after").remove(),
        ]
        only_if = (Path("off") == off) | Path("off").does_not_exist()
        self.table.update(MarkRow, mark_key(topic, shard), MARK, *changes, only_if=only_if, upsert=True, bump=False)

    def fall_silent(self, topic: str, head: Head, marks: list[MarkRow], due_pk: str) -> bool:
        """Let appends wake nobody any more, unless somebody has joined since `marks` were read."""
        steps: list[Step] = [
            updating(
                self.table,
                HeadRow,
                key_of(topic),
                HEAD,
                Path("shards").set(0),
                only_if=Path("shards") == head.shards,
                bump=False,
            )
        ]
        for mark in marks:
            seen = Path("subs_v") == int(mark.subs_v)
            if mark.due_pk == due_pk:
                gone = [Path("due_pk").remove(), Path("due_sk").remove()]
                steps.append(updating(self.table, MarkRow, mark.pk, MARK, *gone, only_if=seen, bump=False))
            else:
                steps.append(checking(self.table, MarkRow, mark.pk, MARK, only_if=seen))
        try:
            transact(*steps)
        except ConditionFailed:
            return False
        return True

    def wait_no_more(self, topic: str, shard: int, due_pk: str) -> None:
        """Somebody listens again: what was to happen at this time does not."""
        gone = [Path("due_pk").remove(), Path("due_sk").remove()]
        only_if = Path("due_pk") == due_pk
        try:
            self.table.update(MarkRow, mark_key(topic, shard), MARK, *gone, only_if=only_if, bump=False)
        except ConditionFailed:
            return

    def _bump(self, topic: str, shard: int, more: int) -> MarkRow:
        changes: list[Change] = [Path("subs_v").add(1)]
        if more:
            changes.append(Path("listeners").add(more))
        row = self.table.update(MarkRow, mark_key(topic, shard), MARK, *changes, upsert=True, bump=False)
        if more < 0 and int(row.listeners) <= 0:
            self._wait_for_silence(topic, shard, row)
        return row

    def _wait_for_silence(self, topic: str, shard: int, row: MarkRow) -> None:
        when = clock.from_millis(clock.millis() + UNHEARD_SECONDS * 1_000)
        due_pk, due_sk = due_keys(when, f"{topic}#{shard}")
        changes = [Path("due_pk").set(due_pk), Path("due_sk").set(due_sk)]
        only_if = Path("subs_v") == int(row.subs_v)
        try:
            self.table.update(MarkRow, row.pk, MARK, *changes, only_if=only_if, bump=False)
        except ConditionFailed:
            return
