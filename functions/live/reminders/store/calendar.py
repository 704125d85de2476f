"""Calendar events, the calendars they stand in, and the token of a calendar's feed."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Self

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import is_new
from tessera.idempotency import Created, Intent, create
from tessera.problems import Busy, NotFound
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, deleting, putting, telling, transact

from ..events import DataErased
from ..rules.calendar import Attendee
from .reminders import RemindersSettings
from .rows import META, owned

EVENT, FEED = "EV#", "FEED"
MAX_TRIES = 4


class EventRow(Row):
    """`E#<id>`/`META`."""

    owner = UnicodeAttribute()
    title = UnicodeAttribute()
    starts_at = UnicodeAttribute()
    ends_at = UnicodeAttribute()
    tz = UnicodeAttribute()
    location = UnicodeAttribute(null=True)
    notes = UnicodeAttribute(null=True)
    attendees = UnicodeAttribute()
    created_at = UnicodeAttribute()

    @property
    def id(self) -> str:
        return str(self.pk).removeprefix("E#")


class EntryRow(Row):
    """`U#<owner>`/`EV#<start>#<event>`: the event in one calendar, and the reminder that belongs to it there."""

    reminder = UnicodeAttribute(null=True)

    @property
    def event_id(self) -> str:
        return str(self.sk).rpartition("#")[2]


class FeedRow(Row):
    """`U#<owner>`/`FEED` holds the token's hash, `ICS#<hash>`/`MAIN` whose it is."""

    hash = UnicodeAttribute(null=True)
    owner = UnicodeAttribute(null=True)
    made = NumberAttribute(default=1)


class _Replaced(Exception):
    """Another token opens the calendar than the one that was read."""


class CalendarStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(RemindersSettings).table))

    def create(
        self, row: EventRow, people: Sequence[Attendee], steps: Sequence[Step], intent: Intent
    ) -> Created[EventRow]:
        """The event, an entry in each calendar, and the reminders. 1 transaction."""
        # Their keys hold the event's id, which is new or the whole is a replay.
        rows = [EntryRow(pk=owned(one.user_id), sk=_sk(row), reminder=one.reminder_id) for one in people]
        entries = [putting(self.table, entry) for entry in rows]
        return create(self.table, row, intent, *entries, *steps)

    def get(self, caller_id: str, event_id: str) -> EventRow:
        """2 reads. Raises `NotFound`, also for who is neither the organiser nor comes along."""
        row = self.table.get(EventRow, event_pk(event_id), META)
        if row is None or self.table.get(EntryRow, owned(caller_id), _sk(row)) is None:
            raise NotFound("There is no such event.")
        return row

    def between(
        self, owner_id: str, since: datetime, until: datetime, limit: int, after: str | None
    ) -> tuple[list[EventRow], str | None]:
        """Events of a calendar that start in this time, and where the next page starts. 2 requests."""
        first, last = f"{EVENT}{clock.rfc3339(since)}", f"{EVENT}{clock.rfc3339(until)}"
        start = {"pk": owned(owner_id), "sk": after} if after else None
        # The end is not in it: no entry's key ends with its time.
        within = Path("sk").between(first, last)
        page = self.table.query(EntryRow, owned(owner_id), sort=within, limit=limit, after=start)
        keys = [(event_pk(entry.event_id), META) for entry in page.rows]
        rows = self.table.get_many(EventRow, keys) if keys else []
        return rows, page.next["sk"] if page.next else None

    def cancel(self, row: EventRow, reminders: Sequence[Step]) -> None:
        """The event, its entries and its reminders go. 1 transaction."""
        entries = [deleting(self.table, EntryRow, owned(one), _sk(row)) for one in calendars_of(row)]
        transact(deleting(self.table, EventRow, row.pk, META), *entries, *reminders)

    def leave(self, row: EventRow, user_id: str, reminders: Sequence[Step]) -> None:
        """The event goes from one calendar. 1 transaction."""
        transact(deleting(self.table, EntryRow, owned(user_id), _sk(row)), *reminders)

    def replace_feed(self, owner_id: str, hashed: str | None) -> None:
        """A new token opens the calendar, or none. 1 read and 1 transaction. Raises `Busy`."""
        for _ in range(MAX_TRIES):
            before = self.table.get(FeedRow, owned(owner_id), FEED)
            if before is None and hashed is None:
                return
            try:
                transact(*self._replacing(owner_id, before, hashed))
                return
            except _Replaced:
                continue
        raise Busy()

    def owner_of_feed(self, hashed: str) -> str | None:
        """Whose calendar this token opens now. 2 reads."""
        found = self.table.get(FeedRow, f"ICS#{hashed}", "MAIN")
        # A feed that is made while its owner is erased goes without its token.
        current = self.table.get(FeedRow, owned(found.owner), FEED) if found else None
        return found.owner if found and current and current.hash == hashed else None

    def erase(self, owner_id: str, at_most: int) -> int:
        """Delete up to this many items of an owner's calendar and their secrets, with the events they made."""
        rows = list(islice(self._own(owner_id), at_most))
        for row in rows:
            event = self.table.get(EventRow, event_pk(row.sk.rpartition("#")[2]), META) if _is_entry(row) else None
            if event is not None and event.owner == owner_id:
                self.table.delete(EventRow, event.pk, META)
            elif event is not None:
                self._strike_off(event, owner_id)
            self.table.delete(Row, row.pk, row.sk)
        return len(rows)

    def _replacing(self, owner_id: str, before: FeedRow | None, hashed: str | None) -> list[Step]:
        """Of two at once the second takes away what the first has made, so that no token is left behind."""
        as_read = is_new() if before is None else FeedRow.hash == before.hash
        steps = [] if before is None else [deleting(self.table, FeedRow, f"ICS#{before.hash}", "MAIN")]
        if hashed is None:
            gone = deleting(self.table, FeedRow, owned(owner_id), FEED, only_if=as_read, refused=_Replaced())
            return [gone, *steps]
        feed = FeedRow(pk=owned(owner_id), sk=FEED, hash=hashed)
        token = FeedRow(pk=f"ICS#{hashed}", sk="MAIN", owner=owner_id)
        now = putting(self.table, feed, only_if=as_read, refused=_Replaced())
        return [now, putting(self.table, token), *steps]

    def _strike_off(self, event: EventRow, user_id: str) -> None:
        """Somebody comes along no more. 1 write. Raises `Busy` when others are struck off at the same moment."""
        rest = [one for one in people_of(event) if one.user_id != user_id]
        as_read = EventRow.attendees == event.attendees
        change = EventRow.attendees.set(people_text(rest))
        try:
            self.table.update(EventRow, event.pk, META, change, only_if=as_read)
        except ConditionFailed as failed:
            if failed.old is not None:
                raise Busy() from None

    def tell_erased(self, owner_id: str) -> None:
        transact(telling(self.table, DataErased(owner_id=owner_id, capability="reminders")))

    def _own(self, owner_id: str) -> Iterator[Row]:
        return self.table.query_all(Row, owned(owner_id), consistent=True)


def event_pk(event_id: str) -> str:
    return f"E#{event_id}"


def people_of(row: EventRow) -> list[Attendee]:
    return [Attendee(one["u"], tuple(one["o"]), one.get("r")) for one in json.loads(row.attendees)]


def calendars_of(row: EventRow) -> list[str]:
    return list(dict.fromkeys([row.owner, *(one.user_id for one in people_of(row))]))


def people_text(people: Sequence[Attendee]) -> str:
    return json.dumps([{"u": one.user_id, "o": one.offsets, "r": one.reminder_id} for one in people])


def _sk(row: EventRow) -> str:
    return f"{EVENT}{row.starts_at}#{row.id}"


def _is_entry(row: Row) -> bool:
    return str(row.sk).startswith(EVENT)
