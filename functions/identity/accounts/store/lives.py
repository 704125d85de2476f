"""The end of an account: when it is due, how far its erasure has come, and the proof that nothing is left."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Self, cast

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.auth.feed import Feed
from tessera.due import DueItem, due_keys
from tessera.expressions import is_new
from tessera.jobs import jobs_of
from tessera.outbox import Event
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, deleting, putting, telling, transact, updating

from ..config import AccountSettings
from .life_rows import ErasureRow, erased_pk
from .rows import CLAIM, MAIN, ClaimRow, FamilyRow, UserRow, claim_pk, handle_pk, user_pk
from .users import Changed

PASSKEY, CREDENTIAL, HANDLE, SIGN_UP = "P#", "C#", "H#", "SU#"


class LifeStore:
    def __init__(self, table: Table, feed: Feed) -> None:
        self.table, self.feed = table, feed

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AccountSettings).table), bindings.get(Feed))

    def wait(self, user: UserRow, item: DueItem, until: datetime) -> None:
        """The user becomes due again. 1 write; nothing when somebody else has changed what they wait for."""
        due_pk, due_sk = due_keys(until, user.user_id)
        try:
            self.table.update(
                UserRow,
                user.pk,
                MAIN,
                UserRow.due_pk.set(due_pk),
                UserRow.due_sk.set(due_sk),
                only_if=UserRow.due_sk == item.due_sk,
                bump=False,
            )
        except ConditionFailed:
            return

    def last_used(self, user: UserRow) -> int:
        """When the user was last here: the latest refresh of any of their sign-ins, also of one that ended. 1 query."""
        families = Path("sk").startswith("F#")
        rows = self.table.query_all(FamilyRow, user.pk, sort=families, consistent=True)
        return max([int(user.created), *(int(row.rot_at) for row in rows)])

    def keep(self, user: UserRow, *, event: Event, steps: Sequence[Step]) -> None:
        """The account is not deleted after all: 1 transaction. Raises `Changed` when its erasure has begun."""
        waits = (UserRow.status == "deleting") & (UserRow.erase_by == "user") & UserRow.erasing.does_not_exist()
        transact(
            updating(
                self.table,
                UserRow,
                user.pk,
                MAIN,
                UserRow.status.set("active"),
                *(attribute.remove() for attribute in (UserRow.erase_at, UserRow.erase_by)),
                *(attribute.remove() for attribute in (UserRow.due_pk, UserRow.due_sk)),
                only_if=waits & (UserRow.ep == user.ep),
                event=event,
                refused=Changed(),
            ),
            *steps,
        )

    def begin(self, user: UserRow, row: ErasureRow) -> None:
        """From now on nothing stops the erasure. 1 transaction. Raises `Changed` when it has begun, or was called off.

        What is due from here on is the erasure's own item.
        """
        same = (UserRow.status == user.status) & (UserRow.ep == user.ep) & UserRow.erasing.does_not_exist()
        transact(
            updating(
                self.table,
                UserRow,
                user.pk,
                MAIN,
                UserRow.status.set("deleting"),
                UserRow.erasing.set(int(row.begun)),
                *(attribute.remove() for attribute in (UserRow.due_pk, UserRow.due_sk)),
                only_if=same & _same_due(user),
                refused=Changed(),
            ),
            putting(self.table, row, only_if=is_new(), refused=Changed()),
        )

    def open(self, row: ErasureRow) -> None:
        """Begin the erasure of an owner that is no user of ours. 1 write; nothing when it has begun."""
        try:
            self.table.put(row, only_if=is_new())
        except ConditionFailed:
            return

    def erasure(self, owner_id: str) -> ErasureRow | None:
        return self.table.get(ErasureRow, erased_pk(owner_id), MAIN)

    def again_at(self, row: ErasureRow, item: DueItem, until: datetime) -> ErasureRow:
        """The next try. 1 write. Raises `Changed` when another delivery was first."""
        due_pk, due_sk = due_keys(until, row.owner_id)
        try:
            return self.table.update(
                ErasureRow,
                row.pk,
                row.sk,
                ErasureRow.due_pk.set(due_pk),
                ErasureRow.due_sk.set(due_sk),
                ErasureRow.tries.add(1),
                only_if=ErasureRow.due_sk == item.due_sk,
            )
        except ConditionFailed:
            raise Changed() from None

    def answered(self, owner_id: str, capability: str, erased: int) -> ErasureRow | None:
        """A capability has nothing left. 1 write; None when that was noted before."""
        note = f"{capability} {clock.rfc3339(clock.now())} {erased}"
        try:
            return self.table.update(
                ErasureRow,
                erased_pk(owner_id),
                MAIN,
                ErasureRow.left.delete({capability}),
                ErasureRow.done.add({note}),
                only_if=ErasureRow.left.contains(capability),
            )
        except ConditionFailed:
            return None

    def belongings(self, user: UserRow) -> Iterator[tuple[str, str, bool]]:
        """Every item of a user but their own, as `(pk, sk, whether somebody else may hold it by now)`.

        What names another item goes after it, so that a crash loses track of none.
        """
        if user.email_norm is not None:
            yield claim_pk(user.email_norm), CLAIM, True
        if user.handle is not None:
            yield handle_pk(user.handle), CLAIM, True
        for row in self.table.query_all(Row, jobs_of(user.user_id), consistent=True):
            yield row.pk, row.sk, False
        for row in self.table.query_all(Row, user.pk, consistent=True):
            if row.sk.startswith(PASSKEY):
                yield f"{CREDENTIAL}{row.sk.removeprefix(PASSKEY)}", CLAIM, True
            if row.sk.startswith(HANDLE):
                yield row.sk, CLAIM, True
            if row.sk.startswith(SIGN_UP):
                yield row.sk, MAIN, False
            if row.sk != MAIN:
                yield row.pk, row.sk, False

    def forget(self, user_id: str, pk: str, sk: str, *, shared: bool) -> None:
        """1 write. A claim that somebody else has by now stays theirs."""
        mine = (ClaimRow.uid == user_id) if shared else None
        try:
            self.table.delete(Row, pk, sk, only_if=mine)
        except ConditionFailed:
            return

    def finish(self, row: ErasureRow, *, told: Sequence[Event], user_id: str | None) -> None:
        """Nothing is left, and the proof of it stays: 1 transaction. Raises `Changed` when that was done before."""
        first, *more = told
        of_user: list[Step] = []
        if user_id is not None:
            # No epoch: no token of this user is ever good again.
            of_user = [deleting(self.table, UserRow, user_pk(user_id), MAIN), self.feed.revoke("u", user_id)]
        transact(
            updating(
                self.table,
                ErasureRow,
                row.pk,
                row.sk,
                ErasureRow.finished.set(clock.millis()),
                *(attribute.remove() for attribute in (ErasureRow.due_pk, ErasureRow.due_sk)),
                only_if=ErasureRow.finished.does_not_exist() & ErasureRow.left.does_not_exist(),
                event=first,
                refused=Changed(),
            ),
            *of_user,
            *(telling(self.table, event) for event in more),
        )


def erasure_row(owner_id: str, kind: str, *, asked: int, left: set[str], until: datetime) -> ErasureRow:
    row = ErasureRow(
        pk=erased_pk(owner_id), sk=MAIN, owner_id=owner_id, kind=kind, asked=asked, begun=clock.millis(), left=left
    )
    row.wait_until(until, owner_id)
    return row


def _same_due(user: UserRow) -> Condition:
    # The one key says the instant and whose it is, and the other follows from that.
    if user.due_sk is None:
        return cast(Condition, UserRow.due_sk.does_not_exist())
    return cast(Condition, UserRow.due_sk == user.due_sk)
