from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field

from tessera import auth
from tessera.auth.principal import Principal
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, show_created
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, NotFound
from tessera.types import Cursor, Page, Params

from ..actions import personal as actions
from ..rules.task import TooMany
from ..schemas.tasks import FeedIn, FeedOut, ViewIn, ViewOut
from .given import Keys, Lists, Own, Reader, Tasks, Writer
from .urls import BaseURL

router = Router(prefix="/tasks", tags=["tasks"])

Exporter = Annotated[Principal, auth.require("tasks:read", rate="expensive")]
# The token in the query is the credential: calendars send no headers.
Holder = Annotated[Principal, auth.public()]


def _file(media_type: str) -> dict[int | str, dict[str, Any]]:
    """The answer of a route that is not JSON, for the document."""
    return {200: {"description": "The file.", "content": {media_type: {"schema": {"type": "string"}}}}}


class ExportParams(Params):
    cursor: Cursor | None = None


class TokenParams(Params):
    token: Annotated[str, Field(min_length=1, max_length=64)]


@router.post("/views", status_code=201, responses=problems(TooMany, IdempotencyMismatch, Gone))
async def create_view(
    body: ViewIn, response: Response, caller: Writer, own: Own, keys: Keys, key: IdempotencyKey = None
) -> ViewOut:
    """Keep a filter under a name."""
    intent = keys.intent(key, caller, "POST /tasks/views", body)
    wanted = body.filter.model_dump(mode="json", exclude_none=True)
    view, replayed = actions.create_view(own, body.name, wanted, by=caller, intent=intent)
    show_created(response, location=f"/tasks/views/{view.id}", version=1, replayed=replayed)
    return ViewOut.of(view)


@router.get("/views")
async def views(caller: Reader, own: Own) -> Page[ViewOut]:
    """All saved filters. At most 50, so in one page."""
    return Page(items=[ViewOut.of(view) for view in own.views(caller.owner_id)[:100]])


@router.delete("/views/{view_id:ulid}", status_code=204, responses=problems(NotFound))
async def delete_view(view_id: str, caller: Writer, own: Own) -> None:
    """Forget a saved filter."""
    own.delete_view(caller.owner_id, view_id)


@router.post("/feed", status_code=201)
async def renew_feed(body: FeedIn, caller: Writer, own: Own, base: BaseURL) -> FeedOut:
    """Make a token for the calendar feed; the one before stops working."""
    token = actions.renew_feed(own, caller.owner_id, body.tz)
    return FeedOut(token=token, url=f"{base}/tasks/today.ics?token={token}")


@router.delete("/feed", status_code=204)
async def revoke_feed(caller: Writer, own: Own) -> None:
    """End the calendar feed."""
    own.revoke_feed(caller.owner_id)


@router.get("/today.ics", response_class=Response, responses={**_file("text/calendar"), **problems(NotFound)})
async def today(asked: Annotated[TokenParams, Query()], caller: Holder, own: Own, listing: Lists) -> Response:
    """What is overdue or due today, for a calendar program."""
    text = actions.feed(own, listing, asked.token)
    return Response(text, media_type="text/calendar; charset=utf-8")


@router.get("/export.csv", response_class=Response, responses={**_file("text/csv"), **problems(InvalidCursor)})
async def export(
    asked: Annotated[ExportParams, Query()], caller: Exporter, tasks: Tasks, listing: Lists, keys: Keys
) -> Response:
    """All tasks as CSV. When they are too many for one answer, `Link: …; rel="next"` leads to the rest."""
    route = "GET /tasks/export.csv"
    body, following = actions.export(tasks, listing, caller.owner_id, keys.state(caller, route, asked, asked.cursor))
    headers = {"Content-Disposition": 'attachment; filename="tasks.csv"'}
    cursor = keys.cursor(caller, route, asked, following)
    if cursor is not None:
        headers["Link"] = f'</tasks/export.csv?cursor={cursor}>; rel="next"'
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)
