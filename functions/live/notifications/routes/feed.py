"""The feed and its counts. A feed is a person's own: notifications go to people, never to organisations."""

from typing import Annotated

from fastapi import Query, Response

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound
from tessera.types import Page

from ..actions import feed
from ..actions.shown import shown
from ..schemas import CountsOut, FeedParams, NotificationOut, ReadAllIn, ReadAllOut, SeenIn
from ..store.rows import FeedRow
from .given import PREFIX, TAGS, Bound, Keys, Reader, Writer

router = Router(prefix=PREFIX, tags=TAGS)


_UNREAD = {"description": "How many are unread in all.", "schema": {"type": "integer", "minimum": 0}}


@router.get(
    "",
    responses={
        200: {"headers": {"X-Unread-Count": _UNREAD}},
        **problems(InvalidRequest, InvalidCursor),
    },
)
async def list_notifications(
    asked: Annotated[FeedParams, Query()], response: Response, caller: Reader, ports: Bound, keys: Keys
) -> Page[NotificationOut]:
    """The newest first; `X-Unread-Count` says how many are unread in all. With a type a page may be short."""
    if asked.unread and asked.archived:
        raise InvalidRequest("What is archived is read. Ask for one of the two.")
    route = "GET /notifications"
    place = keys.state(caller, route, asked, asked.cursor)
    found = feed.page(
        ports,
        caller.id,
        asked.limit,
        place and place["after"],
        unread=asked.unread,
        archived=asked.archived,
        kind=asked.type,
    )
    response.headers["X-Unread-Count"] = str(feed.unread_of(ports, caller.id))
    following = {"after": found.next} if found.next else None
    return Page(items=[_out(row) for row in found.rows], next=keys.cursor(caller, route, asked, following))


@router.get("/count")
async def count_notifications(caller: Reader, ports: Bound) -> CountsOut:
    """What a badge shows."""
    return CountsOut.model_validate(feed.counts(ports, caller.id))


@router.get("/{notification_id:ulid}", responses=problems(NotFound))
async def get_notification(notification_id: str, caller: Reader, ports: Bound) -> NotificationOut:
    """One notification."""
    return _out(feed.get(ports, caller.id, notification_id))


@router.put("/{notification_id:ulid}/read", responses=problems(NotFound))
async def read_notification(notification_id: str, caller: Writer, ports: Bound) -> NotificationOut:
    """Mark as read. Asked twice, it counts once."""
    return _out(feed.read(ports, caller.id, notification_id))


@router.put("/{notification_id:ulid}/unread", responses=problems(NotFound))
async def unread_notification(notification_id: str, caller: Writer, ports: Bound) -> NotificationOut:
    """Mark as unread; out of the archive it comes back to the inbox."""
    return _out(feed.unread(ports, caller.id, notification_id))


@router.put("/{notification_id:ulid}/archive", responses=problems(NotFound))
async def archive_notification(notification_id: str, caller: Writer, ports: Bound) -> NotificationOut:
    """Out of the inbox, and read."""
    return _out(feed.archive(ports, caller.id, notification_id))


@router.post("/read-all", responses=problems(InvalidRequest))
async def read_all_notifications(body: ReadAllIn, caller: Writer, ports: Bound) -> ReadAllOut:
    """Mark everything up to one as read. Beyond 500 the rest follows by itself."""
    marked, done = feed.read_all(ports, caller.id, body.before_id)
    return ReadAllOut(marked=marked, done=done)


@router.put("/seen", responses=problems(InvalidRequest))
async def see_notifications(body: SeenIn, caller: Writer, ports: Bound) -> CountsOut:
    """Say up to where the list has been looked at; never goes back."""
    return CountsOut.model_validate(feed.see(ports, caller.id, body.id))


def _out(row: FeedRow) -> NotificationOut:
    return NotificationOut.model_validate(shown(row))
