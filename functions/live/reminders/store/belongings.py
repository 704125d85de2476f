"""What an owner has here, as the export of their account shows it."""

from collections.abc import Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, after_hash, behind, fields, parsed
from tessera.tables import Table

from .calendar import EVENT, FEED, EntryRow, EventRow, FeedRow, event_pk
from .rows import META, RUN, ReminderRow, RunRow, owned
from .secrets import SECRET, SecretRow

_shown_event = fields("title", "starts_at", "ends_at", "tz", "location", "notes", "created_at", id=after_hash("pk"))


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    pk = owned(asked.owner_id)

    events = behind(table, EventRow, lambda one: (event_pk(one.event_id), META), _shown_event)
    reminder = fields(
        *("title", "state", "next_at", "runs", "max_runs", "created_at", "updated_at"),
        id=after_hash("pk"),
        schedule=parsed("schedule"),
        action=parsed("action"),
    )
    return (
        Part("reminder", ReminderRow, pk, reminder, index="gs1", inside=_runs),
        Part("event", EntryRow, pk, events, begins=EVENT),
        Part("secret", SecretRow, pk, fields("id", "name", "created_at"), begins=SECRET),
        Part("feed", FeedRow, pk, fields(), begins=FEED),
    )


def _runs(reminder: ReminderRow) -> Sequence[Part[Any]]:
    told = fields("due_at", "fired_at", "result", "attempts", "error", reminder_id=after_hash("pk"))
    return [Part("run", RunRow, reminder.pk, told, begins=RUN)]
