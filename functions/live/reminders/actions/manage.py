"""What a person does with a reminder. Each verb decides on what it read, and again when that has changed meanwhile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tessera import clock
from tessera.auth.principal import Principal
from tessera.etags import StaleVersion
from tessera.idempotency import Intent
from tessera.problems import Busy
from tessera.safehttp import FetchFailed

from ..ports import Ports
from ..rules import reminder as rules
from ..rules.durations import Span
from ..rules.problems import refused
from ..rules.reminder import Misfire, Reminder
from ..rules.schedules import ByCron, ByRule, Once, Schedule
from ..store import Overtaken
from ..store.rows import RunRow
from . import fire
from .forget import forget_soon

MAX_TRIES = 8


@dataclass(frozen=True)
class Wanted:
    """What a new reminder shall be."""

    title: str
    schedule: Schedule
    action: Mapping[str, Any]
    offsets: tuple[str, ...] = ()
    misfire: Misfire = Misfire.FIRE_ONCE
    jitter_s: int = 0
    max_runs: int | None = None


def create(ports: Ports, wanted: Wanted, *, by: Principal, intent: Intent) -> tuple[Reminder, bool]:
    """The reminder, and whether an earlier request made it. 1 write, 1 message when it fires soon."""
    now = clock.now()
    check_action(ports, by.owner_id, wanted.action)
    reminder = Reminder(
        id=intent.id,
        owner_id=by.owner_id,
        user_id=by.user_id or by.id,
        created_at=now,
        updated_at=now,
        **{name: getattr(wanted, name) for name in Wanted.__dataclass_fields__},
    )
    made, replayed = ports.reminders.create(rules.made(reminder, now), intent)
    # Again for a replay: the first request may have ended before it sent the message.
    fire.queue_soon(ports, made)
    return made, replayed


def change(ports: Ports, owner_id: str, reminder_id: str, fields: Mapping[str, Any], *, expect: int | None) -> Reminder:
    """What is named changes. Raises `StaleVersion`, and what `rules.changed` raises. 1 read and 1 write."""
    if "action" in fields:
        check_action(ports, owner_id, fields["action"])

    def decide(found: Reminder) -> Reminder:
        return rules.changed(found, clock.now(), **_moved(found, fields)) if fields else found

    return _decided(ports, owner_id, reminder_id, decide, expect=expect)


def delete(ports: Ports, owner_id: str, reminder_id: str, *, expect: int | None) -> None:
    """Gone, with its runs, which a job takes away. 1 read, 1 write and 1 message."""
    for _ in range(MAX_TRIES):
        found = ports.reminders.get(owner_id, reminder_id)
        _hold(found, expect)
        try:
            ports.reminders.delete(found)
        except Overtaken:
            continue
        forget_soon(ports, [reminder_id])
        return
    raise Busy()


def pause(ports: Ports, owner_id: str, reminder_id: str) -> Reminder:
    return _decided(ports, owner_id, reminder_id, lambda found: rules.paused(found, clock.now()))


def resume(ports: Ports, owner_id: str, reminder_id: str) -> Reminder:
    return _decided(ports, owner_id, reminder_id, lambda found: rules.resumed(found, clock.now()))


def snooze(ports: Ports, owner_id: str, reminder_id: str, span: str) -> Reminder:
    parsed = Span.parse(span)
    return _decided(ports, owner_id, reminder_id, lambda found: rules.snoozed(found, clock.now(), parsed))


def skip_next(ports: Ports, owner_id: str, reminder_id: str) -> Reminder:
    for _ in range(MAX_TRIES):
        try:
            return fire.skip_next(ports, ports.reminders.get(owner_id, reminder_id))
        except Overtaken:
            continue
    raise Busy()


def run_now(ports: Ports, owner_id: str, reminder_id: str) -> RunRow:
    return fire.run_now(ports, ports.reminders.get(owner_id, reminder_id))


def check_action(ports: Ports, owner_id: str, action: Mapping[str, Any]) -> None:
    """Whether a webhook leads to the public internet and its secret is there. 1 read for a webhook.

    Which addresses a name has is looked at when it is called.
    """
    webhook = action.get("webhook")
    if webhook is None:
        return
    try:
        ports.web.gate.target(webhook["url"])
    except FetchFailed as failed:
        raise type(failed)(failed.detail, errors=refused("/action/webhook/url", failed.detail).errors) from None
    if not ports.secrets.exists(owner_id, webhook["secret_id"]):
        raise refused("/action/webhook/secret_id", "There is no such secret. Make one with POST /reminders/secrets.")


def _decided(
    ports: Ports,
    owner_id: str,
    reminder_id: str,
    decide: Callable[[Reminder], Reminder],
    *,
    expect: int | None = None,
) -> Reminder:
    for _ in range(MAX_TRIES):
        found = ports.reminders.get(owner_id, reminder_id)
        _hold(found, expect)
        after = decide(found)
        if after is found:
            return found
        try:
            ports.reminders.save(found, after)
        except Overtaken:
            continue
        fire.queue_soon(ports, after)
        return after
    raise Busy()


def _hold(found: Reminder, expect: int | None) -> None:
    if expect is not None and found.version != expect:
        raise StaleVersion(f"You read version {expect}; it is at {found.version} now. Read it again.")


def _moved(found: Reminder, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields, with a change of the zone alone as a change of the schedule."""
    changes = dict(fields)
    tz = changes.pop("tz", None)
    if tz is not None:
        changes["schedule"] = in_zone(changes.get("schedule", found.schedule), tz)
    return changes


def in_zone(schedule: Schedule, tz: str) -> Schedule:
    """The same wall clock in another zone; a single instant stays that instant, and is shown in the zone."""
    if isinstance(schedule, Once):
        return Once(schedule.at, tz)
    if isinstance(schedule, ByCron):
        return ByCron(schedule.cron, tz, schedule.start, schedule.end)
    return ByRule(schedule.rrule, schedule.start, tz, schedule.exdates, schedule.rdates)
