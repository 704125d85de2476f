from typing import Annotated, Any

from fastapi import Query, Response

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, show_created
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, InvalidRequest, NotFound
from tessera.types import Page

from ..actions import calendar as actions
from ..schemas.calendar import CalendarEventIn, CalendarEventOut, EventParams, FeedOut, TokenParams
from .given import PREFIX, TAGS, Bound, Holder, Keys, Reader, Writer, event_out

router = Router(prefix=PREFIX, tags=TAGS)

_CALENDAR: dict[int | str, dict[str, Any]] = {
    200: {"description": "The calendar.", "content": {"text/calendar": {"schema": {"type": "string"}}}}
}


@router.post("/events", status_code=201, responses=problems(InvalidRequest, IdempotencyMismatch, Gone))
async def create_event(
    body: CalendarEventIn, response: Response, caller: Writer, ports: Bound, keys: Keys, key: IdempotencyKey = None
) -> CalendarEventOut:
    """Put an event into the calendar of everybody who comes, each with a reminder of their own."""
    intent = keys.intent(key, caller, f"POST {PREFIX}/events", body)
    made = actions.create(ports, body.event(), by=caller, intent=intent)
    show_created(response, location=f"{PREFIX}/events/{made.row.id}", version=1, replayed=made.replayed)
    return event_out(made.row, caller.owner_id)


@router.get("/events", responses=problems(InvalidRequest, InvalidCursor))
async def list_events(
    asked: Annotated[EventParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[CalendarEventOut]:
    """The events of your calendar that start in this time, in their order."""
    asked.check()
    route = f"GET {PREFIX}/events"
    state = keys.state(caller, route, asked, asked.cursor)
    rows, after = ports.calendar.between(
        caller.owner_id, asked.from_, asked.to, asked.limit, state["after"] if state else None
    )
    following = keys.cursor(caller, route, asked, {"after": after} if after else None)
    return Page[CalendarEventOut](items=[event_out(row, caller.owner_id) for row in rows], next=following)


@router.get("/events/{event_id:ulid}", responses=problems(NotFound))
async def get_event(event_id: str, caller: Reader, ports: Bound) -> CalendarEventOut:
    """One event."""
    return event_out(ports.calendar.get(caller.owner_id, event_id), caller.owner_id)


@router.delete("/events/{event_id:ulid}", status_code=204, responses=problems(NotFound))
async def delete_event(event_id: str, caller: Writer, ports: Bound) -> None:
    """Cancel an event of yours for all who come; from somebody else's, take your leave."""
    actions.delete(ports, caller.owner_id, event_id)


@router.post("/feed", status_code=201)
async def renew_feed(caller: Writer, ports: Bound) -> FeedOut:
    """Make a token for the calendar feed; the one before stops working."""
    token = actions.renew_feed(ports, caller.owner_id)
    return FeedOut(token=token, path=f"{PREFIX}/calendar.ics?token={token}")


@router.delete("/feed", status_code=204)
async def revoke_feed(caller: Writer, ports: Bound) -> None:
    """End the calendar feed."""
    ports.calendar.replace_feed(caller.owner_id, None)


@router.get("/calendar.ics", response_class=Response, responses={**_CALENDAR, **problems(NotFound)})
async def calendar(asked: Annotated[TokenParams, Query()], caller: Holder, ports: Bound) -> Response:
    """Your events and the next time of each reminder, for a calendar program."""
    return Response(actions.feed(ports, asked.token), media_type="text/calendar; charset=utf-8")
