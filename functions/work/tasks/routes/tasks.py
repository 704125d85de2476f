from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, IfMatch, required_version, show_created, show_version
from tessera.etags import StaleVersion, VersionRequired, expected_version
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, InvalidRequest, NotFound
from tessera.types import Cursor, Limit, Page, Params, Tag, Ulid, ZoneName, text

from ..actions import create as creating
from ..actions import find, plans
from ..rules import quick
from ..rules.task import ListClosing, NeighbourGone, Sort, Status, Task
from ..schemas.tasks import (
    DueText,
    OccurrencesOut,
    QuickIn,
    QuickOut,
    TaskIn,
    TaskOut,
    TaskPatch,
    UnderstoodOut,
)
from .given import Keys, Lists, Reader, Searches, Tasks, Writer, actor

router = Router(prefix="/tasks", tags=["tasks"])

# Two ways to say where: neither is a field of the task.
_PLACING = {"list_id", "after_id", "before_id"}


class TaskParams(Params):
    list_id: Ulid | None = None
    status: Status | None = None
    due: DueText | None = None
    priority: Annotated[int, Field(ge=1, le=4)] | None = None
    tag: Tag | None = None
    q: Annotated[str, text(200)] | None = None
    sort: Sort | None = None
    tz: ZoneName | None = None
    limit: Limit = 50
    cursor: Cursor | None = None

    def query(self) -> find.Query:
        return find.Query(**{name: getattr(self, name) for name in find.Query.__dataclass_fields__})


class TrashParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


@router.post(
    "", status_code=201, responses=problems(InvalidRequest, IdempotencyMismatch, Gone, NeighbourGone, ListClosing)
)
async def create_task(
    body: TaskIn,
    response: Response,
    caller: Writer,
    tasks: Tasks,
    listing: Lists,
    keys: Keys,
    key: IdempotencyKey = None,
) -> TaskOut:
    """Make a task: in the inbox unless a list is named, at the end unless a neighbour is."""
    intent = keys.intent(key, caller, "POST /tasks", body)
    fields = {name: value for name, value in body.fields().items() if name not in _PLACING}
    task, replayed = creating.create(
        tasks,
        listing,
        fields,
        list_id=body.list_id,
        after_id=body.after_id,
        before_id=body.before_id,
        by=caller,
        intent=intent,
    )
    return _shown_created(response, task, replayed)


@router.post("/quick", status_code=201, responses=problems(InvalidRequest, IdempotencyMismatch, Gone))
async def quick_add(
    body: QuickIn,
    response: Response,
    caller: Writer,
    tasks: Tasks,
    listing: Lists,
    keys: Keys,
    key: IdempotencyKey = None,
) -> QuickOut:
    """Make a task from one line of English, such as `Pay rent tomorrow 9am #home p1 every month`."""
    intent = keys.intent(key, caller, "POST /tasks/quick", body)
    found, fields = creating.understand(body.text, body.tz)
    task, replayed = creating.create(
        tasks, listing, fields, list_id=None, after_id=None, before_id=None, by=caller, intent=intent
    )
    return QuickOut(task=_shown_created(response, task, replayed), understood=_understood(found))


def _understood(found: quick.Understood) -> UnderstoodOut:
    return UnderstoodOut(
        title=found.title,
        day=found.day,
        time=found.at.isoformat("minutes") if found.at else None,
        priority=found.priority,
        tags=found.tags,
        rule=found.rule,
    )


@router.get("", responses=problems(InvalidRequest, InvalidCursor))
async def list_tasks(
    asked: Annotated[TaskParams, Query()],
    caller: Reader,
    listing: Lists,
    search: Searches,
    keys: Keys,
) -> Page[TaskOut]:
    """Tasks by list, state, due, priority, tag or words. A page may be short and still have a next one."""
    route = "GET /tasks"
    state = keys.state(caller, route, asked, asked.cursor)
    found, following = find.page(listing, search, caller.owner_id, asked.query(), asked.limit, state)
    return _page(found, keys.cursor(caller, route, asked, following))


@router.get("/trash", responses=problems(InvalidCursor))
async def trash(asked: Annotated[TrashParams, Query()], caller: Reader, listing: Lists, keys: Keys) -> Page[TaskOut]:
    """What was deleted within the last 30 days, the last first."""
    route = "GET /tasks/trash"
    state = keys.state(caller, route, asked, asked.cursor)
    found, following = listing.trash(caller.owner_id, asked.limit, state)
    return _page(found, keys.cursor(caller, route, asked, following))


@router.get("/{task_id:ulid}", responses=problems(NotFound))
async def get_task(task_id: str, response: Response, caller: Reader, tasks: Tasks) -> TaskOut:
    """One task."""
    return _shown(response, tasks.get(caller.owner_id, task_id))


@router.patch("/{task_id:ulid}", responses=problems(NotFound, StaleVersion, VersionRequired, InvalidRequest))
async def change_task(
    task_id: str, body: TaskPatch, response: Response, caller: Writer, tasks: Tasks, if_match: IfMatch = None
) -> TaskOut:
    """Change what is named and nothing else; null clears."""
    expect, fields = required_version(if_match), body.fields()

    def decide(task: Task) -> plans.Plan:
        plans.hold_version(task, expect)
        return plans.change(tasks, task, fields, by=actor(caller))

    return _shown(response, plans.run(tasks, caller.owner_id, task_id, decide).task)


@router.delete("/{task_id:ulid}", status_code=204, responses=problems(NotFound, StaleVersion))
async def delete_task(task_id: str, caller: Writer, tasks: Tasks, if_match: IfMatch = None) -> None:
    """Put a task into the trash, where it stays for 30 days."""
    expect = expected_version(if_match, required=False)

    def decide(task: Task) -> plans.Plan:
        plans.hold_version(task, expect)
        return plans.delete(task, by=actor(caller))

    plans.run(tasks, caller.owner_id, task_id, decide)


@router.post("/{task_id:ulid}/restore", responses=problems(NotFound))
async def restore_task(task_id: str, response: Response, caller: Writer, tasks: Tasks) -> TaskOut:
    """Take a task out of the trash; into the inbox when its list is gone."""

    def decide(task: Task) -> plans.Plan:
        return plans.restore(task, by=actor(caller), list_id=plans.list_for(tasks, task))

    return _shown(response, plans.run(tasks, caller.owner_id, task_id, decide, in_trash=True).task)


@router.get("/{task_id:ulid}/occurrences", responses=problems(NotFound))
async def occurrences(
    task_id: str, caller: Reader, tasks: Tasks, n: Annotated[int, Query(ge=1, le=100)] = 10
) -> OccurrencesOut:
    """When a repeating task comes again, itself the first; nothing for one that does not repeat."""
    return OccurrencesOut(occurrences=find.occurrences(tasks.get(caller.owner_id, task_id), n))


def _shown(response: Response, task: Task) -> TaskOut:
    show_version(response, task.version)
    return TaskOut.of(task)


def _shown_created(response: Response, task: Task, replayed: bool) -> TaskOut:
    show_created(response, location=f"/tasks/{task.id}", version=task.version, replayed=replayed)
    return TaskOut.of(task)


def _page(found: list[Task], following: str | None) -> Page[Any]:
    return Page[TaskOut](items=[TaskOut.of(task) for task in found], next=following)
