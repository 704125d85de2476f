from typing import Annotated

from fastapi import Query, Response

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import show_version
from tessera.problems import InvalidRequest, NotFound
from tessera.types import Page

from ..actions import manage
from ..rules.problems import NotActive, NothingNext, NotPaused
from ..rules.reminder import Reminder
from ..schemas.reminders import ListParams, ReminderDetailOut, RunOut, SnoozeIn
from .given import PREFIX, TAGS, Bound, Keys, Reader, Writer, run_out

router = Router(prefix=PREFIX, tags=TAGS)


@router.post("/{reminder_id:ulid}/pause", responses=problems(NotFound, NotActive))
async def pause(reminder_id: str, response: Response, caller: Writer, ports: Bound) -> ReminderDetailOut:
    """Let nothing fire until it is resumed. What is due meanwhile is neither made up for nor counted as missed."""
    return _shown(response, manage.pause(ports, caller.owner_id, reminder_id))


@router.post("/{reminder_id:ulid}/resume", responses=problems(NotFound, NotPaused, NothingNext))
async def resume(reminder_id: str, response: Response, caller: Writer, ports: Bound) -> ReminderDetailOut:
    """Let it fire again, from now on."""
    return _shown(response, manage.resume(ports, caller.owner_id, reminder_id))


@router.post("/{reminder_id:ulid}/snooze", responses=problems(NotFound, NotActive, InvalidRequest))
async def snooze(
    reminder_id: str, body: SnoozeIn, response: Response, caller: Writer, ports: Bound
) -> ReminderDetailOut:
    """Let it rest until then, fire once, and go on as planned. One at its end comes back for that one time."""
    return _shown(response, manage.snooze(ports, caller.owner_id, reminder_id, body.for_))


@router.post("/{reminder_id:ulid}/skip-next", responses=problems(NotFound, NotActive, NothingNext))
async def skip_next(reminder_id: str, response: Response, caller: Writer, ports: Bound) -> ReminderDetailOut:
    """Leave out the next firing; the run says so."""
    return _shown(response, manage.skip_next(ports, caller.owner_id, reminder_id))


@router.post("/{reminder_id:ulid}/run-now", responses=problems(NotFound))
async def run_now(reminder_id: str, caller: Writer, ports: Bound) -> RunOut:
    """Do its action once more, beside its schedule."""
    return run_out(manage.run_now(ports, caller.owner_id, reminder_id))


@router.get("/{reminder_id:ulid}/runs", responses=problems(NotFound, InvalidCursor))
async def list_runs(
    reminder_id: str, asked: Annotated[ListParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[RunOut]:
    """What has become of its firings in the last 90 days, the latest first."""
    route = f"GET {PREFIX}/{reminder_id}/runs"
    state = keys.state(caller, route, asked, asked.cursor)
    ports.reminders.get(caller.owner_id, reminder_id)
    page = ports.reminders.runs(reminder_id, asked.limit, state["after"] if state else None)
    following = keys.cursor(caller, route, asked, {"after": page.next} if page.next else None)
    return Page[RunOut](items=[run_out(run) for run in page.rows], next=following)


@router.get("/dead-letters", responses=problems(InvalidCursor))
async def list_dead(asked: Annotated[ListParams, Query()], caller: Reader, ports: Bound, keys: Keys) -> Page[RunOut]:
    """Runs whose webhook was given up after five attempts, the latest first."""
    route = f"GET {PREFIX}/dead-letters"
    state = keys.state(caller, route, asked, asked.cursor)
    page = ports.reminders.dead(caller.owner_id, asked.limit, state["after"] if state else None)
    following = keys.cursor(caller, route, asked, {"after": page.next} if page.next else None)
    return Page[RunOut](items=[run_out(run) for run in page.rows], next=following)


def _shown(response: Response, reminder: Reminder) -> ReminderDetailOut:
    show_version(response, reminder.version)
    return ReminderDetailOut.of(reminder)
