"""Keys, whose they are, and how many are in use. Every change tells the revocation feed in its own transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.auth.feed import Feed
from tessera.auth.key_item import MAIN, KeyRow, key_pk, outdated
from tessera.auth.key_text import name_of
from tessera.auth.key_usage import SEEN_DAYS, KeyUsage, Used
from tessera.due import due_keys
from tessera.etags import StaleVersion
from tessera.expressions import all_of, is_new
from tessera.idempotency import Created, Intent, create
from tessera.outbox import Event
from tessera.problems import NotFound
from tessera.settings import Bindings, Settings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, checking, deleting, putting, seen, telling, transact, updating

from ..events import DataErased
from ..rules import IN_USE, KEPT_AFTER, MAX_ACTIVE, Status, TooManyKeys
from .rows import (
    COUNT,
    ENDED,
    OWNED,
    CountRow,
    EndedRow,
    OwnedRow,
    id_of,
    owned_sk,
    owner_pk,
    pk_of,
    seconds_after,
)

# The limiter keeps a key's use from its last request on, which a process may admit some seconds after the end.
USE_KEPT = timedelta(days=SEEN_DAYS + 1)


class ApikeysSettings(Settings):
    table: str


class NotInUse(Exception):
    """The key has come to its end meanwhile."""


class Resting(Exception):
    """The organisation is deleted, so nobody makes keys of it."""


class Overtaken(Exception):
    """Something later was heard of the organisation meanwhile."""


class KeyStore:
    def __init__(self, table: Table, feed: Feed, usage: KeyUsage) -> None:
        self.table, self.feed, self._usage = table, feed, usage

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(ApikeysSettings).table), bindings.get(Feed), bindings.get(KeyUsage))

    def create(self, row: KeyRow, intent: Intent, event: Event, entry: Event) -> Created[OwnedRow]:
        """1 transaction of 4 items. Raises `TooManyKeys`, `Resting`, and what `idempotency.create` raises."""
        owned = OwnedRow(pk=owner_pk(row.owner_id), sk=owned_sk(row.key_id), name=row.name)
        room = CountRow.active.does_not_exist() | (CountRow.active < MAX_ACTIVE)
        one_more = CountRow.active.add(1)

        def refusal(old: CountRow | None) -> Exception:
            return Resting() if old is not None and old.rests else TooManyKeys()

        return create(
            self.table,
            owned,
            intent,
            putting(self.table, row, only_if=is_new()),
            updating(
                self.table,
                CountRow,
                owned.pk,
                COUNT,
                one_more,
                only_if=room & CountRow.rests.does_not_exist(),
                refused=refusal,
                upsert=True,
                bump=False,
            ),
            telling(self.table, entry),
            event=event,
        )

    def get(self, key_id: str) -> KeyRow:
        """1 consistent read. Raises `NotFound`."""
        row = self.table.get(KeyRow, pk_of(key_id), MAIN)
        if row is None:
            raise NotFound("There is no such key.")
        return row

    def named(self, names: Iterable[str]) -> list[KeyRow]:
        """The keys of these names, as keys are written. 1 request for 100."""
        return self.table.get_many(KeyRow, [(key_pk(name), MAIN) for name in names], consistent=True)

    def page(self, owner_id: str, limit: int, after: str | None) -> tuple[list[KeyRow], str | None]:
        """Keys of an owner, the newest first, and the id after which the next page starts. 2 requests."""
        start = {"pk": owner_pk(owner_id), "sk": owned_sk(after)} if after else None
        mine = Path("sk").startswith(OWNED)
        page = self.table.query(OwnedRow, owner_pk(owner_id), sort=mine, newest_first=True, limit=limit, after=start)
        rows = self.named(name_of(id_of(owned)) for owned in page.rows) if page.rows else []
        return rows, page.next["sk"].removeprefix(OWNED) if page.next else None

    def in_use(self, owner_id: str) -> list[KeyRow]:
        """The keys of an owner that are not at their end, at most 50. 1 request where there are none, else 2."""
        mine = Path("sk").startswith(OWNED)
        found = self.table.query_all(
            OwnedRow, owner_pk(owner_id), sort=mine, only=OwnedRow.status == Status.ACTIVE.value, consistent=True
        )
        names = [name_of(id_of(owned)) for owned in found]
        return self.named(names) if names else []

    def used(self, rows: Sequence[KeyRow]) -> dict[str, Used]:
        """How these keys were used, by id. 1 request."""
        return self._usage.of([row.key_id for row in rows]) if rows else {}

    def change(
        self, before: KeyRow, *changes: Change, name: str | None = None, event: Event, also: Sequence[Event] = ()
    ) -> KeyRow:
        """Change a key read at `before.version`. 1 transaction and 1 read.

        Whoever remembers it as it was reads it again within 15 seconds. Raises `StaleVersion`, `NotInUse`.
        """
        version = int(before.version)
        steps = [
            self._updating(before, *changes, expect=version, event=event),
            self.feed.revoke("k", outdated(before.key_id, version)),
            *(telling(self.table, more) for more in also),
        ]
        if name is not None:
            steps.append(self._owned(before, OwnedRow.name.set(name)))
        transact(*steps)
        return self.get(before.key_id)

    def end(self, row: KeyRow, status: Status, *, event: Event, also: Sequence[Event]) -> bool:
        """Bring a key to its end, whatever is being done with it at the same moment. 1 transaction.

        False when it was at its end already.
        """
        ttl, now = seconds_after(KEPT_AFTER), clock.millis()
        ended = [KeyRow.status.set(status.value), KeyRow.ended.set(now), KeyRow.ttl.set(ttl)]
        without = [one.remove() for one in (KeyRow.h1, KeyRow.h2, KeyRow.h2_exp, KeyRow.due_pk, KeyRow.due_sk)]
        steps = [
            self._updating(row, *ended, *without, event=event),
            self._owned(row, OwnedRow.status.set(status.value), OwnedRow.ttl.set(ttl)),
            updating(self.table, CountRow, owner_pk(row.owner_id), COUNT, CountRow.active.add(-1), bump=False),
            putting(
                self.table, EndedRow(pk=owner_pk(row.owner_id), sk=f"{ENDED}{row.key_id}", ttl=seconds_after(USE_KEPT))
            ),
            *(telling(self.table, more) for more in also),
        ]
        if status is Status.REVOKED:
            steps.append(self.feed.revoke("k", row.key_id))
        try:
            transact(*steps)
        except NotInUse:
            return False
        return True

    def refresh(self, row: KeyRow, *, roles: Sequence[str], epoch: int, status: Status) -> None:
        """Note how the owner stands now, unless something newer was noted. 1 write.

        The version stays: a client's own changes are not in the way of this one. Who remembers the key
        reads it again by the owner's epoch, which the feed tells.
        """
        held = KeyRow.owner_roles.set(set(roles)) if roles else KeyRow.owner_roles.remove()
        newer = all_of(_in_use(), KeyRow.owner_ep <= epoch)
        changes = [held, KeyRow.owner_ep.set(epoch), KeyRow.status.set(status.value)]
        try:
            self.table.update(KeyRow, row.pk, MAIN, *changes, only_if=newer, bump=False)
        except ConditionFailed:
            return

    def hear(self, organisation_id: str, heard_at: str, *, rests: bool) -> bool:
        """Note that an organisation's keys rest, or go on, from now on. False when something later was heard. 1 write.

        Events come in any order, and again.
        """
        not_later = CountRow.heard.does_not_exist() | (CountRow.heard <= heard_at)
        changes = [CountRow.heard.set(heard_at), CountRow.rests.set(True) if rests else CountRow.rests.remove()]
        try:
            pk = owner_pk(organisation_id)
            self.table.update(CountRow, pk, COUNT, *changes, only_if=not_later, upsert=True, bump=False)
        except ConditionFailed:
            return False
        return True

    def hold(self, row: KeyRow, status: Status, heard_at: str) -> None:
        """Let a key rest, or go on. 1 transaction.

        Raises `StaleVersion` when it was changed meanwhile, and `Overtaken`.
        """
        version = int(row.version)
        newest = CountRow.heard == heard_at
        try:
            transact(
                self._updating(row, KeyRow.status.set(status.value), expect=version),
                self.feed.revoke("k", outdated(row.key_id, version)),
                checking(self.table, CountRow, owner_pk(row.owner_id), COUNT, only_if=newest, refused=Overtaken()),
            )
        except NotInUse:
            return

    def notify(self, row: KeyRow, due_pk: str, following: datetime | None, event: Event) -> None:
        """Tell that the end comes nearer, once for each due time. 1 write."""
        waits: list[Change] = [KeyRow.due_pk.remove(), KeyRow.due_sk.remove()]
        if following is not None:
            pk, sk = due_keys(following, row.key_id)
            waits = [KeyRow.due_pk.set(pk), KeyRow.due_sk.set(sk)]
        # A key that has come to its end waits for nothing any more.
        same = KeyRow.due_pk == due_pk
        try:
            self.table.update(KeyRow, row.pk, MAIN, *waits, only_if=same, event=event, bump=False)
        except ConditionFailed:
            return

    def was_seen(self, event_id: str) -> bool:
        return self.table.get(Row, f"SEEN#{event_id}", MAIN) is not None

    def note_seen(self, event_id: str) -> None:
        transact(seen(self.table, event_id))

    def erase(self, owner_id: str, at_most: int) -> int:
        """Delete up to this many items of an owner's keys, and how they were used; how many items there were.

        Raises `Unavailable`.
        """
        found = self.table.query_all(Row, owner_pk(owner_id), consistent=True)
        rows = list(islice((row for row in found if row.sk != COUNT), at_most))
        for row in rows:
            key_id = id_of(row)
            # First, because by these items alone it is known which bucket of the limiter is that of a key.
            self._usage.forget(key_id)
            transact(
                deleting(self.table, KeyRow, pk_of(key_id), MAIN),
                deleting(self.table, Row, row.pk, row.sk),
                self.feed.revoke("k", key_id),
            )
        return len(rows)

    def tell_erased(self, owner_id: str) -> None:
        """Nothing is left: the count goes too, and the proof stands on an item of its own."""
        transact(
            deleting(self.table, CountRow, owner_pk(owner_id), COUNT),
            telling(self.table, DataErased(owner_id=owner_id, capability="apikeys")),
        )

    def _updating(self, row: KeyRow, *changes: Change, expect: int | None = None, event: Event | None = None) -> Step:
        def refusal(old: KeyRow | None) -> Exception:
            if old is None or old.status not in IN_USE:
                return NotInUse()
            return StaleVersion(f"You read version {expect}; it is at {int(old.version)} now. Read it again.")

        return updating(
            self.table, KeyRow, row.pk, MAIN, *changes, only_if=_in_use(), expect=expect, event=event, refused=refusal
        )

    def _owned(self, row: KeyRow, *changes: Change) -> Step:
        return updating(self.table, OwnedRow, owner_pk(row.owner_id), owned_sk(row.key_id), *changes)


def _in_use() -> Condition:
    return KeyRow.status.is_in(*(status.value for status in IN_USE))
