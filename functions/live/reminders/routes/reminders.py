from typing import Annotated

from fastapi import Query, Response

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, IfMatch, required_version, show_created, show_version
from tessera.etags import StaleVersion, VersionRequired, expected_version
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, InvalidRequest, NotFound
from tessera.safehttp import AddressRefused, SchemeRefused, URLInvalid
from tessera.types import Page

from ..actions import manage
from ..actions.manage import Wanted
from ..rules.problems import AtInPast, BadCron, BadRRule, NeverFires
from ..schemas.reminders import ReminderDetailOut, ReminderIn, ReminderOut, ReminderParams, ReminderPatch
from ..schemas.schedules import PreviewIn, PreviewOut
from .given import PREFIX, TAGS, Bound, Keys, Reader, Writer

router = Router(prefix=PREFIX, tags=TAGS)

_SCHEDULE = (InvalidRequest, BadCron, BadRRule, NeverFires, AtInPast)
_WEBHOOK = (URLInvalid, SchemeRefused, AddressRefused)


@router.post("", status_code=201, responses=problems(*_SCHEDULE, *_WEBHOOK, IdempotencyMismatch, Gone))
async def create_reminder(
    body: ReminderIn, response: Response, caller: Writer, ports: Bound, keys: Keys, key: IdempotencyKey = None
) -> ReminderDetailOut:
    """Make a reminder: once, by cron, or by a recurrence rule, on the clock of a time zone."""
    intent = keys.intent(key, caller, f"POST {PREFIX}", body)
    wanted = Wanted(
        title=body.title,
        schedule=body.schedule.schedule(),
        action=body.action.action(),
        offsets=tuple(body.offsets),
        misfire=body.misfire,
        jitter_s=body.jitter_s,
        max_runs=body.max_runs,
    )
    made, replayed = manage.create(ports, wanted, by=caller, intent=intent)
    show_created(response, location=f"{PREFIX}/{made.id}", version=made.version, replayed=replayed)
    return ReminderDetailOut.of(made)


@router.get("", responses=problems(InvalidRequest, InvalidCursor))
async def list_reminders(
    asked: Annotated[ReminderParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[ReminderOut]:
    """Your reminders: the active ones by their next time, then paused ones, then those at their end."""
    route = f"GET {PREFIX}"
    state = keys.state(caller, route, asked, asked.cursor)
    found, after = ports.reminders.page(caller.owner_id, asked.state, asked.limit, state["after"] if state else None)
    following = keys.cursor(caller, route, asked, {"after": after} if after else None)
    return Page[ReminderOut](items=[ReminderOut.of(one) for one in found], next=following)


@router.post("/preview", responses=problems(*_SCHEDULE))
async def preview(body: PreviewIn, caller: Reader) -> PreviewOut:
    """When a schedule would fire, without keeping it."""
    return PreviewOut(items=body.firings())


@router.get("/{reminder_id:ulid}", responses=problems(NotFound))
async def get_reminder(reminder_id: str, response: Response, caller: Reader, ports: Bound) -> ReminderDetailOut:
    """One reminder, and when it fires next."""
    found = ports.reminders.get(caller.owner_id, reminder_id)
    show_version(response, found.version)
    return ReminderDetailOut.of(found)


@router.patch("/{reminder_id:ulid}", responses=problems(*_SCHEDULE, *_WEBHOOK, NotFound, StaleVersion, VersionRequired))
async def change_reminder(
    reminder_id: str, body: ReminderPatch, response: Response, caller: Writer, ports: Bound, if_match: IfMatch = None
) -> ReminderDetailOut:
    """Change a reminder; one whose schedule or offsets change begins anew from now. Firing keeps the version."""
    fields, version = body.fields(), required_version(if_match)
    found = manage.change(ports, caller.owner_id, reminder_id, fields, expect=version)
    show_version(response, found.version)
    return ReminderDetailOut.of(found)


@router.delete("/{reminder_id:ulid}", status_code=204, responses=problems(NotFound, StaleVersion))
async def delete_reminder(reminder_id: str, caller: Writer, ports: Bound, if_match: IfMatch = None) -> None:
    """Delete a reminder and its runs for good."""
    manage.delete(ports, caller.owner_id, reminder_id, expect=expected_version(if_match, required=False))
