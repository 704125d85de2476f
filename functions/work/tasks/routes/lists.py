from typing import Annotated

from fastapi import Query, Response
from pydantic import StringConstraints

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, IfMatch, required_version, show_created, show_version
from tessera.entry.jobs import JobOut, show_accepted
from tessera.etags import StaleVersion, VersionRequired, expected_version
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, NotFound
from tessera.types import Cursor, Limit, Page, Params

from ..actions import lists as actions
from ..rules.task import InboxStays, ListClosing, ListNotEmpty, TooMany
from ..schemas.tasks import ListIn, ListOut, ListPatch, TagOut
from .given import JobStore, Keys, Lists, QueueURL, Reader, Tasks, Writer

router = Router(prefix="/tasks", tags=["tasks"])

Contents = Annotated[
    str | None,
    StringConstraints(pattern=r"^(?:delete|move:[0-7][0-9A-HJKMNP-TV-Z]{25})$", max_length=31),
    Query(description="What becomes of the tasks: `delete`, or `move:` and the id of another list."),
]


class TagParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


@router.post("/lists", status_code=201, responses=problems(TooMany, IdempotencyMismatch, Gone))
async def create_list(
    body: ListIn, response: Response, caller: Writer, tasks: Tasks, keys: Keys, key: IdempotencyKey = None
) -> ListOut:
    """Make a list."""
    intent = keys.intent(key, caller, "POST /tasks/lists", body)
    made, replayed = actions.create(tasks, body.name, body.color, body.after_id, by=caller, intent=intent)
    show_created(response, location=f"/tasks/lists/{made.id}", version=made.version, replayed=replayed)
    return ListOut.of(made)


@router.get("/lists")
async def lists(caller: Reader, tasks: Tasks) -> Page[ListOut]:
    """All lists in their order, with how many tasks are open and done. At most 100, so in one page."""
    return Page(items=[ListOut.of(one) for one in tasks.lists(caller.owner_id)[:100]])


@router.get("/lists/{list_id:ulid}", responses=problems(NotFound))
async def get_list(list_id: str, response: Response, caller: Reader, tasks: Tasks) -> ListOut:
    """One list."""
    found = tasks.get_list(caller.owner_id, list_id)
    show_version(response, found.version)
    return ListOut.of(found)


@router.patch("/lists/{list_id:ulid}", responses=problems(NotFound, StaleVersion, VersionRequired))
async def change_list(
    list_id: str, body: ListPatch, response: Response, caller: Writer, tasks: Tasks, if_match: IfMatch = None
) -> ListOut:
    """Rename a list, colour it, or put it after another one; `after_id` null puts it first."""
    found = actions.change(tasks, caller.owner_id, list_id, body.changes(), required_version(if_match))
    show_version(response, found.version)
    return ListOut.of(found)


@router.delete(
    "/lists/{list_id:ulid}",
    status_code=202,
    response_model=JobOut,
    responses={
        204: {"description": "The list was empty and is gone."},
        **problems(NotFound, StaleVersion, ListNotEmpty, InboxStays, ListClosing),
    },
)
async def delete_list(
    list_id: str,
    response: Response,
    caller: Writer,
    store: Tasks,
    jobs: JobStore,
    queue: QueueURL,
    tasks: Contents = None,
    if_match: IfMatch = None,
) -> JobOut | Response:
    """Delete a list: at once when it is empty, else as a job that moves or deletes its tasks first."""
    found = store.get_list(caller.owner_id, list_id)
    actions.hold_version(found, expected_version(if_match, required=False))
    job = actions.delete(store, jobs, queue, found, contents=tasks, by=caller)
    return show_accepted(response, "tasks", job) if job else Response(status_code=204)


@router.get("/tags", responses=problems(InvalidCursor))
async def tags(asked: Annotated[TagParams, Query()], caller: Reader, listing: Lists, keys: Keys) -> Page[TagOut]:
    """The tags in use and how many tasks carry each. A change shows here within about two seconds."""
    route = "GET /tasks/tags"
    state = keys.state(caller, route, asked, asked.cursor)
    found, following = listing.tags(caller.owner_id, asked.limit, state)
    items = [TagOut(tag=tag, count=count) for tag, count in found]
    return Page(items=items, next=keys.cursor(caller, route, asked, following))
