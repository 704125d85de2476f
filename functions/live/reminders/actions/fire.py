"""What becomes of a reminder whose time has come."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tessera import aws, clock, log
from tessera.bus import Event
from tessera.due import DueItem
from tessera.problems import Busy

from ..events import EventRaised, Notice, ReminderCompleted, ReminderFired, ReminderMissed
from ..ports import Ports
from ..rules import reminder as rules
from ..rules.reminder import Done, Reminder, Result, Turn
from ..rules.schedules import Firing
from ..store import AlreadyRan, Overtaken
from ..store.rows import META, RUN_NOW, RunRow, due_keys, pk_of, row_of, run_sk
from . import deliver
from .announce import announce

KEPT_RUNS = timedelta(days=90)
# What was read by the sweep already, or may be at this moment, is not found there again in time.
SOON = timedelta(minutes=2)
MAX_TRIES = 5


def come_due(ports: Ports, seen: DueItem) -> None:
    """Handle one item whose time has come: a reminder, or a run whose webhook is to be tried.

    Whoever edits, fires or cancels a reminder moves it to another place in the index, so that a message about the
    old place is about nothing.
    """
    if seen.sk == META:
        _come_due(ports, seen)
    else:
        deliver.attempt(ports, seen)


def queue_soon(ports: Ports, reminder: Reminder) -> None:
    """Send the message of a firing that the sweep may not see in time. 1 request, or none."""
    fire_at = reminder.fire_at
    if fire_at is not None and fire_at - clock.now() <= SOON:
        ports.queue.send([_item(reminder)])


def skip_next(ports: Ports, before: Reminder) -> Reminder:
    """Raises `NotActive`, `NothingNext`, `Overtaken`."""
    turn = rules.skipped(before, clock.now())
    _write(ports, before, turn, clock.now())
    return turn.after


def run_now(ports: Ports, reminder: Reminder) -> RunRow:
    """Do the action once more, beside the schedule. 1 transaction, and 1 message for a webhook. Raises `NotFound`."""
    now = clock.now()
    firing = Firing(now, RUN_NOW, now)
    done = Done(firing, Result.PENDING if reminder.kind == "webhook" else Result.DONE)
    run = _run_of(reminder, done, now)
    for _ in range(MAX_TRIES):
        try:
            ports.reminders.add_run(run, [_fired(reminder, firing, 0), *_raised(reminder, done)])
            break
        except AlreadyRan:
            # Two requests within one millisecond are two runs all the same.
            firing = Firing(firing.due + timedelta(milliseconds=1), RUN_NOW, now)
            done = Done(firing, done.result)
            run = _run_of(reminder, done, now)
    else:
        raise Busy()
    _follow(ports, reminder, [(run, done)])
    return run


def _come_due(ports: Ports, seen: DueItem) -> None:
    reminder = ports.reminders.find(seen.pk.removeprefix("R#"))
    if reminder is None or row_of(reminder).due_sk != seen.due_sk:
        return
    now = clock.now()
    if seen.due - now > deliver.EARLY:
        # The queue holds a message for 15 minutes at most, and clocks differ.
        ports.queue.send([seen])
        return
    turn = rules.fired(reminder, now)
    try:
        _write(ports, reminder, turn, now)
    except AlreadyRan:
        # An edit has named a time once more at which it had fired: the schedule goes on, and it does not fire again.
        after = replace(turn.after, runs=reminder.runs)
        ports.reminders.save(reminder, after)
        queue_soon(ports, after)
    except Overtaken:
        return


def _write(ports: Ports, before: Reminder, turn: Turn, now: datetime) -> None:
    """The runs, what is told of them, and the reminder as it goes on, in 1 transaction; then what follows.

    Raises `Overtaken`, `AlreadyRan`.
    """
    runs = [(_run_of(before, done, now), done) for done in turn.done]
    told: list[Event] = []
    if turn.is_last:
        told.append(ReminderCompleted(**_of(before), runs=turn.after.runs))
    told += [event for _, done in runs for event in _raised(before, done)]
    each = [(run, _told(before, done, int(run.lag_ms))) for run, done in runs]
    ports.reminders.save(before, turn.after, *told, runs=each)
    aws.fault_point("reminders.written")
    for run, done in runs:
        if done.result in (Result.DONE, Result.PENDING):
            log.line("fired", kind=before.kind, **_metric(ports.stack, int(run.lag_ms)))
    queue_soon(ports, turn.after)
    _follow(ports, before, runs)


def _follow(ports: Ports, reminder: Reminder, runs: list[tuple[RunRow, Done]]) -> None:
    """Send the webhooks on their way, and tell open pages. A lost message is found by the sweep."""
    waiting = [_run_item(run) for run, done in runs if done.result is Result.PENDING]
    if waiting:
        ports.queue.send(waiting)
    for run, done in runs:
        if done.result is Result.MISSED:
            announce(ports.live, reminder, "missed", {"due_at": run.due_at, "missed": done.missed})
        elif done.result is not Result.SKIPPED:
            announce(ports.live, reminder, "fired", {"due_at": run.due_at, "lag_ms": int(run.lag_ms)})


def _run_of(reminder: Reminder, done: Done, now: datetime) -> RunRow:
    firing, pk = done.firing, pk_of(reminder.id)
    lag = max(timedelta(), now - reminder.moment_of(firing)) if firing.offset != RUN_NOW else timedelta()
    is_done = done.result in (Result.DONE, Result.PENDING)
    run = RunRow(
        pk=pk,
        sk=run_sk(firing),
        owner=reminder.owner_id,
        due_at=clock.rfc3339(firing.due),
        offset=firing.offset,
        occurrence_at=clock.rfc3339(firing.occurrence),
        fired_at=clock.rfc3339(now),
        lag_ms=lag // timedelta(milliseconds=1) if is_done else 0,
        result=done.result.value,
        attempts=1 if done.result is Result.DONE else 0,
        missed=done.missed,
        ttl=int((now + KEPT_RUNS).timestamp()),
    )
    if done.result is Result.PENDING:
        run.due_pk, run.due_sk = due_keys(now, reminder.id, f"run#{firing.offset}#0")
    return run


def _told(reminder: Reminder, done: Done, lag_ms: int) -> Event | None:
    if done.result is Result.MISSED:
        due_at = done.firing.due
        return ReminderMissed(**_of(reminder), title=reminder.title, due_at=due_at, missed=done.missed)
    return None if done.result is Result.SKIPPED else _fired(reminder, done.firing, lag_ms)


def _fired(reminder: Reminder, firing: Firing, lag_ms: int) -> Event:
    notice = reminder.action.get("notify")
    return ReminderFired(
        **_of(reminder),
        title=reminder.title,
        due_at=firing.due,
        occurrence_at=firing.occurrence,
        lag_ms=lag_ms,
        notify=Notice(**notice) if notice is not None else None,
        event_id=reminder.event_id,
    )


def _raised(reminder: Reminder, done: Done) -> Iterator[Event]:
    asked = reminder.action.get("event")
    if asked is not None and done.result is Result.DONE:
        yield EventRaised(**_of(reminder), name=asked["type"], due_at=done.firing.due, data=asked["data"])


def _metric(stack: str, lag_ms: int) -> dict[str, Any]:
    metrics = [{"Name": "reminder_lag_ms", "Unit": "Milliseconds"}]
    directive = {"Namespace": "Tessera", "Dimensions": [["stack"]], "Metrics": metrics}
    about = {"Timestamp": clock.millis(), "CloudWatchMetrics": [directive]}
    return {"_aws": about, "stack": stack, "reminder_lag_ms": lag_ms}


def _of(reminder: Reminder) -> dict[str, Any]:
    return {"reminder_id": reminder.id, "owner_id": reminder.owner_id, "user_id": reminder.user_id}


def _item(reminder: Reminder) -> DueItem:
    row = row_of(reminder)
    return DueItem(pk=row.pk, sk=row.sk, due_pk=str(row.due_pk), due_sk=str(row.due_sk))


def _run_item(run: RunRow) -> DueItem:
    return DueItem(pk=run.pk, sk=run.sk, due_pk=str(run.due_pk), due_sk=str(run.due_sk))
