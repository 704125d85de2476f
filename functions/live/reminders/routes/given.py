"""What several routers need: the callers, the ports, and the shapes of answers that come from rows."""

from enum import Enum
from typing import Annotated

from tessera import auth, clock
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.entry.signing import Signing

from ..ports import Ports
from ..schemas.calendar import AttendeeOut, CalendarEventOut
from ..schemas.reminders import RunOut, SecretOut
from ..store.calendar import EventRow, people_of
from ..store.rows import RUN, RunRow, offset_text, result_of
from ..store.secrets import SecretRow

PREFIX = "/reminders"
TAGS: list[str | Enum] = ["reminders"]

Reader = Annotated[Principal, auth.require("reminders:read")]
Writer = Annotated[Principal, auth.require("reminders:write")]
# A key does not make keys: who finds one must not be able to sign with another.
Person = Annotated[Principal, auth.require("reminders:write", kinds=("user",))]
# The token in the query is the credential: calendars send no headers.
Holder = Annotated[Principal, auth.public()]
Accounts = Annotated[Principal, auth.service("accounts")]
Bound = Annotated[Ports, bound(Ports)]
Keys = Annotated[Signing, bound(Signing)]


def run_out(run: RunRow) -> RunOut:
    return RunOut(
        id=run.sk.removeprefix(RUN),
        reminder_id=run.pk.removeprefix("R#"),
        due_at=clock.parse(run.due_at),
        offset=offset_text(int(run.offset)),
        occurrence_at=clock.parse(run.occurrence_at),
        fired_at=clock.parse(run.fired_at),
        lag_ms=int(run.lag_ms),
        result=result_of(run),
        attempts=int(run.attempts),
        missed=int(run.missed),
        error=run.error,
    )


def event_out(row: EventRow, viewer: str) -> CalendarEventOut:
    people = [
        AttendeeOut(
            user_id=one.user_id,
            offsets=list(one.offsets) if one.user_id == viewer else None,
            reminder_id=one.reminder_id if one.user_id == viewer else None,
        )
        for one in people_of(row)
    ]
    return CalendarEventOut(
        id=row.id,
        organiser_id=row.owner,
        title=row.title,
        starts_at=clock.parse(row.starts_at),
        ends_at=clock.parse(row.ends_at),
        tz=row.tz,
        location=row.location,
        notes=row.notes,
        attendees=people,
        created_at=clock.parse(row.created_at),
    )


def secret_out(row: SecretRow) -> SecretOut:
    return SecretOut(id=row.id, name=row.name, created_at=clock.parse(row.created_at))
