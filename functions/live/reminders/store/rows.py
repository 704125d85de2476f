"""The items of the table, and how reminders become items and come back."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from tessera import clock, due
from tessera.due import DueRow

from ..rules.reminder import Misfire, Reminder, Result, State
from ..rules.schedules import SNOOZED, ByCron, ByRule, Firing, Once, Schedule

META, RUN = "META", "RUN#"
SHARDS = 16
RUN_NOW = -2
_LAST = "~"
_ORDER = {State.ACTIVE: "1", State.PAUSED: "2", State.COMPLETED: "3"}


class ReminderRow(DueRow):
    """`R#<id>`/`META`."""

    owner = UnicodeAttribute()
    user = UnicodeAttribute()
    title = UnicodeAttribute()
    schedule = UnicodeAttribute()
    offsets = UnicodeAttribute(default="[]")
    action = UnicodeAttribute()
    misfire = UnicodeAttribute()
    jitter_s = NumberAttribute(default=0)
    max_runs = NumberAttribute(null=True)
    state = UnicodeAttribute()
    next_at = UnicodeAttribute(null=True)
    next_offset = NumberAttribute(null=True)
    next_about = UnicodeAttribute(null=True)
    runs = NumberAttribute(default=0)
    gen = NumberAttribute(default=1)
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    about_event = UnicodeAttribute(null=True)
    gs1_pk = UnicodeAttribute()
    gs1_sk = UnicodeAttribute()


class RunRow(DueRow):
    """`R#<id>`/`RUN#<due>#<offset>`: that it is there is what makes a firing happen once."""

    owner = UnicodeAttribute()
    due_at = UnicodeAttribute()
    offset = NumberAttribute()
    occurrence_at = UnicodeAttribute()
    fired_at = UnicodeAttribute()
    lag_ms = NumberAttribute(default=0)
    result = UnicodeAttribute()
    attempts = NumberAttribute(default=0)
    missed = NumberAttribute(default=0)
    error = UnicodeAttribute(null=True)
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)


def pk_of(reminder_id: str) -> str:
    return f"R#{reminder_id}"


def owned(owner_id: str) -> str:
    return f"U#{owner_id}"


def order_of(state: State) -> str:
    """Where a list has the reminders of this state."""
    return f"{_ORDER[state]}#"


def run_sk(firing: Firing) -> str:
    return f"{RUN}{clock.rfc3339(firing.due)}#{offset_text(firing.offset)}"


def offset_text(offset: int) -> str:
    return {SNOOZED: "snooze", RUN_NOW: "now"}.get(offset, str(offset))


def due_keys(when: datetime, reminder_id: str, tag: str) -> tuple[str, str]:
    """`due_pk` and `due_sk`. The tag makes a place in the index tell which state of the item it is of."""
    shard = int.from_bytes(hashlib.sha256(reminder_id.encode()).digest()[:4]) % SHARDS
    return due.bucket(when, shard), f"{clock.rfc3339(when)}#{reminder_id}#{tag}"


def row_of(reminder: Reminder) -> ReminderRow:
    pending, fire_at = reminder.pending, reminder.fire_at
    row = ReminderRow(
        pk=pk_of(reminder.id),
        sk=META,
        version=reminder.version,
        made_by=reminder.made_by,
        owner=reminder.owner_id,
        user=reminder.user_id,
        title=reminder.title,
        schedule=json.dumps(_plain(reminder.schedule), separators=(",", ":")),
        offsets=json.dumps(reminder.offsets),
        action=json.dumps(reminder.action, ensure_ascii=False, separators=(",", ":")),
        misfire=reminder.misfire.value,
        jitter_s=reminder.jitter_s,
        max_runs=reminder.max_runs,
        state=reminder.state.value,
        runs=reminder.runs,
        gen=reminder.gen,
        created_at=clock.rfc3339(reminder.created_at),
        updated_at=clock.rfc3339(reminder.updated_at),
        about_event=reminder.event_id,
        gs1_pk=owned(reminder.owner_id),
        gs1_sk=f"{order_of(reminder.state)}{clock.rfc3339(fire_at) if fire_at else _LAST}#{reminder.id}",
    )
    if pending is not None and fire_at is not None:
        row.next_at, row.next_offset = clock.rfc3339(pending.due), pending.offset
        row.next_about = clock.rfc3339(pending.occurrence)
        tag = f"{offset_text(pending.offset)}#{reminder.gen}"
        row.due_pk, row.due_sk = due_keys(fire_at, reminder.id, tag)
    return row


def reminder_of(row: ReminderRow) -> Reminder:
    pending = None
    if row.next_at is not None:
        pending = Firing(clock.parse(row.next_at), int(row.next_offset), clock.parse(row.next_about))
    return Reminder(
        id=row.pk.removeprefix("R#"),
        owner_id=row.owner,
        user_id=row.user,
        title=row.title,
        schedule=_schedule(json.loads(row.schedule)),
        action=json.loads(row.action),
        created_at=clock.parse(row.created_at),
        updated_at=clock.parse(row.updated_at),
        offsets=tuple(json.loads(row.offsets)),
        misfire=Misfire(row.misfire),
        jitter_s=int(row.jitter_s),
        max_runs=None if row.max_runs is None else int(row.max_runs),
        state=State(row.state),
        pending=pending,
        runs=int(row.runs),
        gen=int(row.gen),
        version=int(row.version),
        event_id=row.about_event,
        made_by=row.made_by,
    )


def result_of(row: RunRow) -> Result:
    return Result(row.result)


def _plain(schedule: Schedule) -> dict[str, Any]:
    if isinstance(schedule, Once):
        found: dict[str, Any] = {"at": clock.rfc3339(schedule.at)}
    elif isinstance(schedule, ByCron):
        found = {"cron": schedule.cron, "start": _text(schedule.start), "end": _text(schedule.end)}
    else:
        found = {
            "rrule": schedule.rrule,
            "dtstart": schedule.start.isoformat(timespec="seconds"),
            "exdates": [clock.rfc3339(one) for one in schedule.exdates],
            "rdates": [clock.rfc3339(one) for one in schedule.rdates],
        }
    return {"tz": schedule.tz, **{name: value for name, value in found.items() if value}}


def _schedule(found: Mapping[str, Any]) -> Schedule:
    tz = found["tz"]
    if "at" in found:
        return Once(clock.parse(found["at"]), tz)
    if "cron" in found:
        return ByCron(found["cron"], tz, _instant(found.get("start")), _instant(found.get("end")))
    dates = (tuple(clock.parse(one) for one in found.get(name, ())) for name in ("exdates", "rdates"))
    return ByRule(found["rrule"], datetime.fromisoformat(found["dtstart"]), tz, *dates)


def _text(when: datetime | None) -> str | None:
    return clock.rfc3339(when) if when is not None else None


def _instant(text: str | None) -> datetime | None:
    return clock.parse(text).astimezone(UTC) if text else None
