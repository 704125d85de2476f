"""Reminders and their runs. Every change names the generation it was decided on, so that one decision comes true."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera.expressions import all_of, is_new
from tessera.idempotency import Created, Intent, create, gone_row
from tessera.outbox import Event
from tessera.problems import NotFound
from tessera.settings import Bindings, Settings
from tessera.tables import ConditionFailed, Key, Page, Table
from tessera.transact import Step, checking, deleting, putting, telling, transact

from ..rules.reminder import Reminder, Result, State
from .rows import META, RUN, ReminderRow, RunRow, due_keys, order_of, owned, pk_of, reminder_of, row_of

# A run, and what is told of it.
Told = tuple[RunRow, Event | None]


class RemindersSettings(Settings):
    table: str
    queue: str
    webhook_key: str
    stack: str = ""


class Overtaken(Exception):
    """The reminder was changed, fired or deleted since it was read."""


class AlreadyRan(Exception):
    """This very firing has happened before."""


class ReminderStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(RemindersSettings).table))

    def create(self, reminder: Reminder, intent: Intent) -> tuple[Reminder, bool]:
        """The reminder, and whether an earlier request made it. 1 write; raises what `idempotency.create` raises."""
        made: Created[ReminderRow] = create(self.table, row_of(reminder), intent)
        return reminder_of(made.row), made.replayed

    def find(self, reminder_id: str) -> Reminder | None:
        """1 consistent read."""
        row = self.table.get(ReminderRow, pk_of(reminder_id), META)
        return None if row is None else reminder_of(row)

    def get(self, owner_id: str, reminder_id: str) -> Reminder:
        """1 consistent read. Raises `NotFound`, also for what belongs to somebody else."""
        found = self.find(reminder_id)
        if found is None or found.owner_id != owner_id:
            raise _gone()
        return found

    def page(
        self, owner_id: str, state: State | None, limit: int, after: Key | None
    ) -> tuple[list[Reminder], Key | None]:
        """Active ones by their next firing, then paused ones, then those at their end. 1 request."""
        sort = Path("gs1_sk").startswith(order_of(state)) if state else None
        page = self.table.query(ReminderRow, owned(owner_id), index="gs1", sort=sort, limit=limit, after=after)
        return [reminder_of(row) for row in page.rows], page.next

    def save(self, before: Reminder, after: Reminder, *told: Event, runs: Sequence[Told] = ()) -> None:
        """Write a change, the runs that belong to it, and what is told of both. 1 write alone, else 1 transaction.

        Raises `Overtaken`, `AlreadyRan`.
        """
        if not runs and not told:
            try:
                self.table.put(row_of(after), only_if=_is(before))
            except ConditionFailed:
                raise Overtaken from None
            return
        own, more = told[0] if told else None, told[1:]
        transact(
            putting(self.table, row_of(after), only_if=_is(before), event=own, refused=Overtaken()),
            *(putting(self.table, run, only_if=is_new(), event=event, refused=AlreadyRan()) for run, event in runs),
            *(telling(self.table, event) for event in more),
        )

    def delete(self, before: Reminder) -> None:
        """1 write. Raises `Overtaken`."""
        try:
            self.table.put(gone_row(row_of(before)), only_if=_is(before))
        except ConditionFailed:
            raise Overtaken from None

    def add_run(self, run: RunRow, events: Sequence[Event]) -> None:
        """A run beside the schedule. 1 transaction. Raises `AlreadyRan`, and `NotFound` when the reminder has gone."""
        first, *more = events
        # Nobody would take away the run of a reminder that is gone. What is left of one names no owner.
        is_there = ReminderRow.owner == run.owner
        transact(
            putting(self.table, run, only_if=is_new(), event=first, refused=AlreadyRan()),
            checking(self.table, ReminderRow, run.pk, META, only_if=is_there, refused=_gone()),
            *(telling(self.table, event) for event in more),
        )

    def runs(self, reminder_id: str, limit: int, after: Key | None) -> Page[RunRow]:
        """Runs, the latest first. 1 request."""
        sort = Path("sk").startswith(RUN)
        return self.table.query(RunRow, pk_of(reminder_id), sort=sort, newest_first=True, limit=limit, after=after)

    def dead(self, owner_id: str, limit: int, after: Key | None) -> Page[RunRow]:
        """Runs whose action was given up, the latest first. 1 request."""
        return self.table.query(RunRow, f"DEAD#{owner_id}", index="gs1", newest_first=True, limit=limit, after=after)

    def run(self, pk: str, sk: str) -> RunRow | None:
        """1 consistent read."""
        return self.table.get(RunRow, pk, sk)

    def claim(self, seen: RunRow, until: datetime) -> RunRow | None:
        """Begin an attempt that nobody else begins; another one may after `until`. 1 write. None when it is taken."""
        attempt = int(seen.attempts) + 1
        pk, sk = due_keys(until, seen.pk.removeprefix("R#"), f"run#{int(seen.offset)}#{attempt}")
        changes = [RunRow.attempts.set(attempt), RunRow.due_pk.set(pk), RunRow.due_sk.set(sk)]
        untouched = all_of(RunRow.result == Result.PENDING.value, RunRow.due_sk == seen.due_sk)
        try:
            return self.table.update(RunRow, seen.pk, seen.sk, *changes, only_if=untouched)
        except ConditionFailed:
            return None

    def settle(
        self, claimed: RunRow, result: Result, *, again_at: datetime | None = None, error: str = ""
    ) -> RunRow | None:
        """Note how an attempt came out. 1 write. None when another one has begun meanwhile."""
        changes = [RunRow.result.set(result.value), RunRow.error.set(error) if error else RunRow.error.remove()]
        if again_at is not None:
            pk, sk = due_keys(again_at, claimed.pk.removeprefix("R#"), f"run#{int(claimed.offset)}#again")
            changes += [RunRow.due_pk.set(pk), RunRow.due_sk.set(sk)]
        else:
            changes += [RunRow.due_pk.remove(), RunRow.due_sk.remove()]
        if result is Result.FAILED:
            place = f"{claimed.due_at}#{claimed.pk.removeprefix('R#')}#{int(claimed.offset)}"
            changes += [RunRow.gs1_pk.set(f"DEAD#{claimed.owner}"), RunRow.gs1_sk.set(place)]
        try:
            return self.table.update(RunRow, claimed.pk, claimed.sk, *changes, only_if=RunRow.due_sk == claimed.due_sk)
        except ConditionFailed:
            return None

    def forget_runs(self, reminder_id: str, at_most: int) -> int:
        """Delete up to this many runs of a reminder that is gone, and return how many there were."""
        found = self.table.query_all(RunRow, pk_of(reminder_id), sort=Path("sk").startswith(RUN), consistent=True)
        rows = list(islice(found, at_most))
        for row in rows:
            self.table.delete(RunRow, row.pk, row.sk)
        return len(rows)

    def erase(self, owner_id: str, at_most: int) -> int:
        """Delete up to this many items of the reminders of an owner, and return how many there were."""
        erased = 0
        for row in islice(self._everything(owner_id), at_most):
            self.table.delete(type(row), row.pk, row.sk)
            erased += 1
        return erased

    def _everything(self, owner_id: str) -> Iterator[ReminderRow | RunRow]:
        for reminder in self.table.query_all(ReminderRow, owned(owner_id), index="gs1"):
            yield from self.table.query_all(RunRow, reminder.pk, sort=Path("sk").startswith(RUN), consistent=True)
            yield reminder
        yield from self.table.query_all(RunRow, f"DEAD#{owner_id}", index="gs1")

    def put_step(self, reminder: Reminder) -> Step:
        """To be made together with something else, whose own condition holds for both."""
        return putting(self.table, row_of(reminder))

    def drop_step(self, reminder_id: str) -> Step:
        """To go with something else, whether it is still there or not."""
        return deleting(self.table, ReminderRow, pk_of(reminder_id), META)


def _gone() -> NotFound:
    return NotFound("There is no such reminder.")


def _is(before: Reminder) -> Condition:
    found: Condition = ReminderRow.gen == before.gen
    return found
