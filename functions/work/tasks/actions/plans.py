"""What each verb does to a task, decided before anything is written; alone or many in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tessera import clock, ids
from tessera.etags import StaleVersion
from tessera.problems import Busy, NotFound
from tessera.transact import Step

from ..events import TaskCompleted, TaskCreated, TaskDeleted, TaskUpdated
from ..rules import repeat
from ..rules.task import FIRST_YEAR, INBOX, Task, appended, check_due, edited, refused, restored, trashed
from ..store.listing import Listing
from ..store.tasks import Changed, TaskStore, Write
from .places import chain_of, check_height, place

MAX_TRIES = 12
_AHEAD = timedelta(minutes=5)
_WHEN = ("due_date", "due_at", "tz")


@dataclass(frozen=True)
class Plan:
    """The writes of one verb. None of them when the task is already as it was asked to be."""

    task: Task
    writes: tuple[Write, ...] = ()
    next_task: Task | None = None
    checks: tuple[Step, ...] = ()


Decide = Callable[[Task], Plan]


def run(tasks: TaskStore, owner_id: str, task_id: str, decide: Decide, *, in_trash: bool = False) -> Plan:
    """Read, decide, write; decide anew when somebody else wrote in between.

    Raises `NotFound`, what `decide` raises, or `Busy` when others keep writing.
    """
    for _ in range(MAX_TRIES):
        plan = decide(tasks.get(owner_id, task_id, trashed=in_trash))
        try:
            if plan.writes:
                tasks.commit(*plan.writes, checks=plan.checks)
            return plan
        except Changed:
            continue
    raise Busy


def hold_version(task: Task, expect: int | None) -> None:
    """Raises `StaleVersion` unless the task is in the version its caller read."""
    if expect is not None and task.version != expect:
        raise StaleVersion(f"You read version {expect}; it is at {task.version} now. Read it again.")


def complete(task: Task, *, by: str, completed_at: datetime | None = None) -> Plan:
    """Done; a repeating task leaves its next occurrence. A task that is done stays as it is."""
    if task.is_done:
        return Plan(task)
    now = clock.now()
    when = completed_at or now
    if when > now + _AHEAD:
        raise refused("/completed_at", "This is in the future.")
    if when.year < FIRST_YEAR:
        raise refused("/completed_at", f"Tasks are done from {FIRST_YEAR} on.")
    following = repeat.following(task, now, completed_at=when)
    done = edited(task, now, completed_at=when)
    writes = []
    if following is not None:
        following = replace(
            following, id=ids.new(), created_at=now, updated_at=now, created_by=by, version=1, below=0, made_by=None
        )
        done = replace(done, next_id=following.id)
        writes.append(Write(None, following, _created(following, by)))
    event = TaskCompleted(by=by, next_task_id=done.next_id, **_of(done))
    return Plan(done, (Write(task, done, event), *writes), following)


def reopen(tasks: TaskStore, task: Task, *, by: str) -> Plan:
    """Open again. The occurrence that completing made goes away, unless somebody has touched it since."""
    if not task.is_done:
        return Plan(task)
    opened = edited(task, clock.now(), completed_at=None, next_id=None)
    writes = [Write(task, opened, TaskUpdated(by=by, changed=("completed_at",), **_of(opened)))]
    following = tasks.find(task.owner_id, task.next_id) if task.next_id else None
    if following is not None and following.version == 1 and not following.below:
        writes.append(Write(following, None, TaskDeleted(by=by, **_of(following))))
    return Plan(opened, tuple(writes))


def move(
    tasks: TaskStore,
    listing: Listing,
    task: Task,
    *,
    by: str,
    list_id: str | None,
    after_id: str | None = None,
    before_id: str | None = None,
) -> Plan:
    """To another place, in this list or another one. Raises `NeighbourGone`."""
    target = list_id or task.list_id
    pos = place(tasks, listing, task.owner_id, target, after_id=after_id, before_id=before_id)
    return _update(task, edited(task, clock.now(), list_id=target, pos=pos), by)


def delete(task: Task, *, by: str) -> Plan:
    """Into the trash, for 30 days."""
    gone = trashed(task, clock.now())
    return Plan(gone, (Write(task, gone, TaskDeleted(by=by, **_of(gone))),))


def restore(task: Task, *, by: str, list_id: str) -> Plan:
    """Out of the trash, into its list, or the inbox when that is gone."""
    now = clock.now()
    back = restored(task, now)
    if list_id != task.list_id:
        back = replace(back, list_id=list_id, pos=appended(clock.millis()))
    return _update(task, back, by)


def change(tasks: TaskStore, task: Task, fields: dict[str, object], *, by: str) -> Plan:
    """What is named changes, and nothing else. Raises `InvalidRequest`."""
    changed = {name: value for name, value in fields.items() if getattr(task, name) != value}
    if not changed:
        return Plan(task)
    now = clock.now()
    after = edited(task, now, **changed)
    if "recurrence" in changed:
        after = replace(after, occurrence=1, missed=0)
    if changed.keys() & {"recurrence", *_WHEN}:
        after = replace(after, series_start=None)
        check_due(after)
        repeat.check(after, now)
        after = replace(after, series_start=repeat.series_start(after))
    elif "remind_at" in changed:
        check_due(after)
    checks: tuple[Step, ...] = ()
    if "parent_id" in changed and after.parent_id is not None:
        chain = chain_of(tasks, task.owner_id, after.parent_id)
        check_height(tasks, task, chain)
        checks = tuple(tasks.putting_below(chain))
    return _update(task, after, by, checks)


def tagged(task: Task, tag: str, *, by: str) -> Plan:
    if tag in task.tags:
        return Plan(task)
    if len(task.tags) == 20:
        raise refused("/tag", "A task carries at most 20 tags.")
    return _update(task, edited(task, clock.now(), tags=(*task.tags, tag)), by)


def untagged(task: Task, tag: str, *, by: str) -> Plan:
    if tag not in task.tags:
        return Plan(task)
    return _update(task, edited(task, clock.now(), tags=tuple(kept for kept in task.tags if kept != tag)), by)


def list_for(tasks: TaskStore, task: Task) -> str:
    """The list a task comes back to."""
    try:
        return task.list_id if not tasks.get_list(task.owner_id, task.list_id).closing else INBOX
    except NotFound:
        return INBOX


def _update(before: Task, after: Task, by: str, checks: tuple[Step, ...] = ()) -> Plan:
    names = ("title", "notes", *_WHEN, "priority", "tags", "parent_id", "recurrence", "remind_at", "list_id", "pos")
    changed = tuple(name for name in (*names, "deleted_at") if getattr(before, name) != getattr(after, name))
    event = TaskUpdated(by=by, changed=changed, **_of(after))
    return Plan(after, (Write(before, after, event),), checks=checks)


def _created(task: Task, by: str) -> TaskCreated:
    return TaskCreated(by=by, **_of(task))


def _of(task: Task) -> dict[str, Any]:
    return {"task_id": task.id, "owner_id": task.owner_id, "list_id": task.list_id, "version": task.version}
