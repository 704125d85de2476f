"""Appending to logs and reading them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock, ids
from tessera.backoff import Backoff
from tessera.due import due_keys
from tessera.expressions import all_of, is_new
from tessera.namespaces import Namespace, namespace_of
from tessera.problems import Busy, Problem
from tessera.seqlog.heads import Heads, new_epoch
from tessera.seqlog.rows import HEAD, Appended, Entry, EntryRow, Head, HeadRow, as_text, entry_key, key_of
from tessera.tables import ConditionFailed
from tessera.transact import Step, Unsettled, putting, transact, updating

MAX_ENTRIES_AT_ONCE = 25
MAX_TRIES = 8
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.005, 0.080
# An entry outlives its time by a day, so that the floor has moved over it before it can be missing.
GRACE_SECONDS = 86_400

Also = Callable[[Appended], Sequence[Step]]


class LogContended(Problem):
    status, slug, title = 503, "log-contended", "Too much is written to this topic at once"

    def __init__(self) -> None:
        super().__init__("Try again in a second.", headers={"Retry-After": "1"})


class Moved(Exception):
    """Another append came first. `head` is where the log stands, or None when nobody can say."""

    def __init__(self, head: Head | None) -> None:
        super().__init__("The log has moved on.")
        self.head = head


def no_more(_: Appended) -> Sequence[Step]:
    return ()


class SeqLog(Heads):
    """The logs of one table."""

    def append(self, topic: str, entries: Sequence[Entry], *, also: Also = no_more) -> Appended:
        """Append these entries in this order, together with the steps of `also`, or nothing of it.

        1 request and 4 write units for an entry of 1 KB; what another process appended meanwhile costs one more
        try. Raises what a step of `also` is refused with, and `LogContended`.
        """
        if not 1 <= len(entries) <= MAX_ENTRIES_AT_ONCE:
            raise ValueError(f"An append takes 1 to {MAX_ENTRIES_AT_ONCE} entries; this one has {len(entries)}.")
        namespace = namespace_of(topic)
        head = self._heads.get(topic) or self.head(topic)
        entries = [entry if entry.id else replace(entry, id=ids.new()) for entry in entries]
        backoff = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        for _ in range(MAX_TRIES):
            made, steps = self._steps(topic, namespace, head, entries)
            try:
                transact(*also(made), *steps, patient=False)
            except (Moved, Busy) as moved:
                if not (isinstance(moved, Unsettled) and self._stands(topic, made.first, entries[0])):
                    backoff.wait()
                    head = moved.head if isinstance(moved, Moved) and moved.head else self.head(topic)
                    continue
            except BaseException:
                # Whether it happened is not known here: the next append looks first.
                self._heads.drop(topic)
                raise
            self._remember(topic, head, made)
            return made
        self._heads.drop(topic)
        raise LogContended()

    def append_each(self, entries: Mapping[str, Entry], steps: Sequence[Step]) -> dict[str, Appended]:
        """Append one entry to each of these logs, together with these steps, or nothing of it. 1 request.

        For logs of which it is known where they stand: once one of them has moved on, nothing is tried again, and
        whoever is told `LogContended` appends to each by itself. Raises what a step is refused with.
        """
        heads = {topic: self._heads.get(topic) or self.head(topic) for topic in entries}
        appending = {
            topic: self._steps(topic, namespace_of(topic), heads[topic], [entry]) for topic, entry in entries.items()
        }
        try:
            transact(*steps, *(step for _, own in appending.values() for step in own))
        except BaseException as error:
            for topic in entries:
                self._heads.drop(topic)
            if isinstance(error, (Moved, Busy)):
                raise LogContended from error
            raise
        for topic, (made, _) in appending.items():
            self._remember(topic, heads[topic], made)
        return {topic: made for topic, (made, _) in appending.items()}

    def read(self, topic: str, after: int, limit: int, *, up_to: int | None = None) -> list[EntryRow]:
        """The entries after this offset, oldest first, without those whose time has run out. 1 request."""
        return self._between(topic, after + 1, after + limit if up_to is None else min(up_to, after + limit))

    def read_back(self, topic: str, before: int, limit: int) -> list[EntryRow]:
        """The entries before this offset, newest first. 1 request."""
        return self._between(topic, max(1, before - limit), before - 1, newest_first=True)

    def _between(self, topic: str, first: int, last: int, *, newest_first: bool = False) -> list[EntryRow]:
        # The service refuses a range that ends before it begins.
        wanted, rows, after = last - first + 1, list[EntryRow](), None
        sort = Path("sk").between(entry_key(first), entry_key(last))
        while len(rows) < wanted:
            page = self.table.query(
                EntryRow,
                key_of(topic),
                sort=sort,
                limit=wanted - len(rows),
                after=after,
                consistent=True,
                newest_first=newest_first,
            )
            rows += page.rows
            after = page.next
            if after is None:
                break
        return rows

    def erase(self, topic: str, offset: int) -> None:
        """Take the content of an entry away; its offset stays. Nothing happens when it is gone already."""
        try:
            self.table.update(EntryRow, key_of(topic), entry_key(offset), *_erased(), bump=False)
        except ConditionFailed:
            return

    def erasing(self, topic: str, offset: int) -> Step:
        """The same as a step of a transaction; the entry must still be there."""
        return updating(self.table, EntryRow, key_of(topic), entry_key(offset), *_erased(), bump=False)

    def _stands(self, topic: str, offset: int, entry: Entry) -> bool:
        row = self.table.get(EntryRow, key_of(topic), entry_key(offset))
        return row is not None and row.id == entry.id

    def _remember(self, topic: str, head: Head, made: Appended) -> None:
        floor = _floor(namespace_of(topic), head, made)
        self._heads.put(topic, Head(made.epoch, made.last, floor, head.shards))

    def _steps(
        self, topic: str, namespace: Namespace, head: Head, entries: Sequence[Entry]
    ) -> tuple[Appended, list[Step]]:
        count, now = len(entries), clock.millis()
        made = Appended(head.epoch or new_epoch(), head.off + 1, head.off + count, head.shards)
        trim_at = clock.from_millis(now + namespace.max_age_seconds * 1_000)
        due_pk, due_sk = due_keys(trim_at, topic)
        changes: list[Change] = [
            Path("epoch").set(made.epoch),
            Path("off").set(made.last),
            Path("floor").set(_floor(namespace, head, made)),
            Path("shards").set(head.shards),
            # The oldest entry's end: whoever moves the floor sets the next one.
            Path("due_pk").set(Path("due_pk") | due_pk),
            Path("due_sk").set(Path("due_sk") | due_sk),
        ]
        # The floor too, for whoever saw it before it was moved would move it back.
        seen = {"epoch": head.epoch, "off": head.off, "shards": head.shards, "floor": head.floor}
        only_if = all_of(*(Path(name) == value for name, value in seen.items())) if head.epoch else is_new()
        moving = updating(
            self.table,
            HeadRow,
            key_of(topic),
            HEAD,
            *changes,
            only_if=only_if,
            upsert=True,
            bump=False,
            refused=lambda old: Moved(Head.of(old) if old is not None else None),
        )
        ends = now // 1_000 + namespace.max_age_seconds + GRACE_SECONDS
        rows = [
            EntryRow(
                pk=key_of(topic),
                sk=entry_key(made.first + position),
                data=as_text(entry.data),
                tags=as_text(dict(entry.tags)),
                info=as_text(dict(entry.info)) if entry.info else None,
                at=now,
                id=entry.id or ids.new(),
                trace=entry.trace or None,
                poke=str(head.shards) if head.shards else None,
                ttl=ends,
            )
            for position, entry in enumerate(entries)
        ]
        # An offset is written once: a head that was set back by hand must not let an entry be replaced.
        return made, [moving, *(putting(self.table, row, only_if=is_new(), refused=Moved(None)) for row in rows)]


def _erased() -> list[Change]:
    return [Path("data").set("null"), Path("tags").set('{"erased":"1"}'), Path("info").remove()]


def _floor(namespace: Namespace, head: Head, made: Appended) -> int:
    return max(head.floor, made.last - namespace.max_entries + 1)
