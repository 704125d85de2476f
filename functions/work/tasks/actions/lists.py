"""Lists: made, changed, put in order, and deleted with or without what is in them."""

from tessera import clock, queues
from tessera.auth.principal import Principal
from tessera.etags import StaleVersion
from tessera.idempotency import Intent
from tessera.jobs import Job, Jobs
from tessera.problems import NotFound, Problem, Unavailable
from tessera.transact import transact
from tessera.types import Model

from ..rules.task import (
    INBOX,
    MAX_LISTS,
    InboxStays,
    ListNotEmpty,
    Task,
    TaskList,
    TooMany,
    appended,
    placed,
    refused,
)
from ..store.listing import Listing
from ..store.tasks import TaskStore
from . import plans

CLEAR = "lists.clear"
AT_ONCE, BATCH, MAX_IDLE = 200, 50, 20


class ClearList(Model):
    """The job of emptying a list: into another one, or into the trash. `idle` counts tries that found nothing."""

    owner_id: str
    list_id: str
    job_id: str
    by: str
    into: str | None = None
    idle: int = 0


def create(
    tasks: TaskStore, name: str, color: str | None, after_id: str | None, *, by: Principal, intent: Intent
) -> tuple[TaskList, bool]:
    """Raises `TooMany`; a race may make a few more than the limit, which only keeps lists readable at once."""
    known = tasks.lists(by.owner_id)
    try:
        if len(known) >= MAX_LISTS:
            raise TooMany(f"There are {MAX_LISTS} lists already. Delete one first.")
        pos = _place(known, after_id)
    except Problem:
        # The last place may have been taken by this very request, and its neighbour be gone since.
        before = tasks.list_asked_before(by.owner_id, intent)
        if before is None:
            raise
        return before, True
    new = TaskList(intent.id, by.owner_id, name, color, pos, 0, 0, clock.now())
    return tasks.create_list(new, intent)


def change(
    tasks: TaskStore, owner_id: str, list_id: str, changes: dict[str, str | None], expect: int | None
) -> TaskList:
    if "after_id" in changes:
        others = [one for one in tasks.lists(owner_id) if one.id != list_id]
        after_id = changes.pop("after_id")
        changes["pos"] = _place(others, after_id) if after_id else _first(others)
    return tasks.change_list(owner_id, list_id, changes, expect)


def _place(lists: list[TaskList], after_id: str | None) -> str:
    end = appended(clock.millis())
    if after_id is None:
        return end
    index = next((number for number, one in enumerate(lists) if one.id == after_id), None)
    if index is None:
        raise refused("/after_id", "There is no such list.")
    upper = lists[index + 1].pos if index + 1 < len(lists) else None
    return placed(lists[index].pos, upper, otherwise=end)


def _first(lists: list[TaskList]) -> str:
    return placed(None, lists[0].pos if lists else None, otherwise=appended(clock.millis()))


def hold_version(found: TaskList, expect: int | None) -> None:
    """Raises `StaleVersion` unless the list is in the version its caller read."""
    if expect is not None and found.version != expect:
        raise StaleVersion(f"You read version {expect}; it is at {found.version} now. Read it again.")


def delete(
    tasks: TaskStore, jobs: Jobs, queue: str, found: TaskList, *, contents: str | None, by: Principal
) -> Job | None:
    """Delete an empty list at once, and a full one as a job when `contents` says what becomes of its tasks.

    `contents` is `delete` or `move:<list id>`. Raises `InboxStays` or `ListNotEmpty`. Asking again
    while the job is at work sends it again, which is how a crash before the sending is got over.
    """
    if found.id == INBOX:
        raise InboxStays("It takes the tasks that name no list.")
    if found.is_empty and found.closing is None and tasks.delete_list(found):
        return None
    if contents is None:
        raise ListNotEmpty("Add ?tasks=delete, or ?tasks=move: and the id of another list.")
    into = _target(tasks, found, contents)
    job = _running(jobs, found)
    if job is None:
        job, keeping = jobs.starting(found.owner_id, CLEAR, total=found.open_count + found.done_count, cancellable=True)
        transact(keeping, tasks.close_list(found, job.id))
    work = ClearList(owner_id=found.owner_id, list_id=found.id, job_id=job.id, by=by.user_id or by.id, into=into)
    queues.send(queue, CLEAR, work.model_dump())
    return job


def _target(tasks: TaskStore, found: TaskList, contents: str) -> str | None:
    if contents == "delete":
        return None
    target = contents.removeprefix("move:")
    try:
        into = tasks.get_list(found.owner_id, target) if target not in (found.id, INBOX) else None
    except NotFound:
        raise refused("?tasks", "There is no such list to move to.") from None
    if target == found.id or (into is not None and into.closing):
        raise refused("?tasks", "The tasks cannot go into a list that is itself being deleted.")
    return target


def _running(jobs: Jobs, found: TaskList) -> Job | None:
    """The job that is emptying the list. One that ended without deleting it does not count."""
    if found.closing is None:
        return None
    job = jobs.find(found.owner_id, found.closing)
    return None if job is None or job.state.is_over else job


def clear(tasks: TaskStore, listing: Listing, jobs: Jobs, queue: str, work: ClearList) -> None:
    """Empty some of the list, then send the rest on. Every step may be done twice."""
    job = jobs.get(work.owner_id, work.job_id)
    found, cleared = _list(tasks, work), 0
    if job.state.is_over:
        if found is not None:
            tasks.reopen_list(found, job.id)
        return
    if found is not None:
        try:
            cleared = _clear_some(tasks, listing, work)
        except Problem as problem:
            if problem.status >= 500:
                raise
            # Nobody can send it on: the list it was to go into is gone.
            tasks.reopen_list(found, job.id)
            jobs.fail(job, problem)
            return
        found = _list(tasks, work)
    if found is None or (found.is_empty and tasks.delete_list(found)):
        jobs.finish(job, result={"list_id": work.list_id, "into": work.into})
        return
    left = found.open_count + found.done_count
    job = jobs.progress(job, max(0, (job.total or 0) - left))
    if job.state.is_over:
        tasks.reopen_list(found, job.id)
        return
    idle = 0 if cleared else work.idle + 1
    if idle > MAX_IDLE:
        tasks.reopen_list(found, job.id)
        jobs.fail(job, Unavailable("The tasks of the list could not be found. Try again later."))
        return
    # The index shows what was written a moment later; until then there is nothing to do here.
    queues.send(queue, CLEAR, work.model_copy(update={"idle": idle}).model_dump(), delay_seconds=0 if cleared else 2)


def _list(tasks: TaskStore, work: ClearList) -> TaskList | None:
    try:
        return tasks.get_list(work.owner_id, work.list_id)
    except NotFound:
        return None


def _clear_some(tasks: TaskStore, listing: Listing, work: ClearList) -> int:
    cleared = 0
    while cleared < AT_ONCE:
        batch = listing.in_list(work.owner_id, work.list_id, BATCH)
        before = cleared
        for task in batch:
            cleared += _clear_one(tasks, listing, work, task.id)
        if cleared == before:
            break
    return cleared


def _clear_one(tasks: TaskStore, listing: Listing, work: ClearList, task_id: str) -> int:
    def decide(task: Task) -> plans.Plan:
        if task.list_id != work.list_id:
            return plans.Plan(task)
        if work.into is None:
            return plans.delete(task, by=work.by)
        return plans.move(tasks, listing, task, by=work.by, list_id=work.into)

    try:
        return int(bool(plans.run(tasks, work.owner_id, task_id, decide).writes))
    except NotFound:
        return 0
