"""Where logs stand: what a process remembers of it, who listens, and how far a log reaches back."""

import secrets
from collections.abc import Sequence

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.due import due_keys
from tessera.expressions import is_new
from tessera.namespaces import namespace_of
from tessera.recent import Recent
from tessera.seqlog.rows import HEAD, EntryRow, Head, HeadRow, entry_key, key_of, offset_of
from tessera.tables import ConditionFailed, Table

REMEMBERED_TOPICS = 2_000
TRIMMED_AT_ONCE = 500
_EPOCH_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


class Heads:
    """Where each topic stands is remembered, so that a warm append reads nothing."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._heads: Recent[Head] = Recent(REMEMBERED_TOPICS)

    def head(self, topic: str) -> Head:
        """Where the log stands now. 1 request."""
        found = Head.of(self.table.get(HeadRow, key_of(topic), HEAD))
        self._heads.put(topic, found)
        return found

    def heads(self, topics: Sequence[str]) -> dict[str, Head]:
        """Where these logs stand now. 1 request."""
        rows = self.table.get_many(HeadRow, [(key_of(topic), HEAD) for topic in topics], consistent=True)
        found = {row.pk.removeprefix("LOG#"): Head.of(row) for row in rows}
        return {topic: found.get(topic, Head()) for topic in topics}

    def look_at(self, topics: Sequence[str]) -> None:
        """Remember where these logs stand, for who appends to each of them next. 1 request for a hundred."""
        for topic, head in self.heads(topics).items():
            self._heads.put(topic, head)

    def known(self, topic: str) -> Head | None:
        """Where the log stood when this process last saw it."""
        return self._heads.get(topic)

    def listen(self, topic: str, shards: int) -> Head:
        """Let appends know that somebody listens on this many shards. Never fewer than before. 1 or 2 requests."""
        floor_and_epoch = [Path("epoch").set(new_epoch()), Path("off").set(0), Path("floor").set(1)]
        try:
            row = self.table.update(
                HeadRow,
                key_of(topic),
                HEAD,
                *floor_and_epoch,
                Path("shards").set(shards),
                only_if=is_new(),
                upsert=True,
                bump=False,
            )
        except ConditionFailed as failed:
            row = failed.old
            if int(row.shards) < shards:
                try:
                    row = self.table.update(
                        HeadRow,
                        key_of(topic),
                        HEAD,
                        Path("shards").set(shards),
                        only_if=Path("shards") < shards,
                        bump=False,
                    )
                except ConditionFailed as raced:
                    row = raced.old
        head = Head.of(row)
        self._heads.put(topic, head)
        return head

    def reset(self, topic: str) -> Head:
        """Begin anew under another epoch: every reader's position becomes unrecoverable."""
        row = self.table.update(HeadRow, key_of(topic), HEAD, Path("epoch").set(new_epoch()), bump=False)
        head = Head.of(row)
        self._heads.put(topic, head)
        return head

    def trim(self, topic: str, due_pk: str) -> None:
        """Move the floor over what has grown old, and wait for the next entry's turn. 3 requests.

        Does nothing when somebody else has done it since `due_pk` was seen.
        """
        row = self.table.get(HeadRow, key_of(topic), HEAD)
        if row is None or row.due_pk != due_pk:
            return
        age = namespace_of(topic).max_age_seconds
        oldest = clock.millis() - age * 1_000
        sort = Path("sk").between(entry_key(int(row.floor)), entry_key(max(int(row.floor), int(row.off))))
        page = self.table.query(EntryRow, key_of(topic), sort=sort, limit=TRIMMED_AT_ONCE, consistent=True)
        kept = next((entry for entry in page.rows if int(entry.at) > oldest), None)
        if kept is not None:
            floor, due_at = kept.offset, int(kept.at) + age * 1_000
        elif page.next is not None:
            # Rows leave out what nobody sees any more, so that only the page's end says how far it went.
            floor, due_at = offset_of(page.next["sk"]) + 1, clock.millis()
        else:
            floor, due_at = int(row.off) + 1, 0
        changes: list[Change] = [Path("floor").set(floor)]
        only_if = (Path("due_pk") == due_pk) & (Path("floor") <= floor)
        if due_at:
            next_pk, next_sk = due_keys(clock.from_millis(due_at), topic)
            changes += [Path("due_pk").set(next_pk), Path("due_sk").set(next_sk)]
        else:
            # An append meanwhile would have found a time set, and not set its own.
            only_if &= Path("off") == int(row.off)
            changes += [Path("due_pk").remove(), Path("due_sk").remove()]
        try:
            self.table.update(HeadRow, key_of(topic), HEAD, *changes, only_if=only_if, bump=False)
        except ConditionFailed:
            return
        self.forget(topic)

    def forget(self, topic: str) -> None:
        self._heads.drop(topic)


def new_epoch() -> str:
    return "".join(secrets.choice(_EPOCH_ALPHABET) for _ in range(8))
