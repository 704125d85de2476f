"""New tasks: from fields, or from one line of text."""

from dataclasses import replace
from datetime import datetime

from tessera import clock
from tessera.auth.principal import Principal
from tessera.idempotency import Intent
from tessera.problems import Busy, Gone, Problem
from tessera.recurrence import instant_of

from ..events import TaskCreated
from ..rules import quick, repeat
from ..rules.due import zone_of
from ..rules.task import INBOX, Recurrence, Task, check_due, check_parents, refused
from ..store.listing import Listing
from ..store.tasks import Changed, TaskStore
from .places import chain_of, place
from .plans import MAX_TRIES


def create(
    tasks: TaskStore,
    listing: Listing,
    fields: dict[str, object],
    *,
    list_id: str | None,
    after_id: str | None,
    before_id: str | None,
    by: Principal,
    intent: Intent,
) -> tuple[Task, bool]:
    """The task, and whether an earlier request had made it. 1 request at the end of a list, without a parent."""
    now = clock.now()
    new = Task(
        id=intent.id,
        owner_id=by.owner_id,
        list_id=list_id or INBOX,
        pos="",
        created_at=now,
        updated_at=now,
        created_by=by.user_id or by.id,
        **fields,  # type: ignore[arg-type]
    )
    try:
        return _create(tasks, listing, new, list_id=list_id, after_id=after_id, before_id=before_id, intent=intent)
    except Problem:
        # What it was put beside or below may be gone since the same request was answered.
        before = tasks.asked_before(by.owner_id, intent)
        if before is None:
            raise
        return _made(before, True)


def _create(
    tasks: TaskStore,
    listing: Listing,
    new: Task,
    *,
    list_id: str | None,
    after_id: str | None,
    before_id: str | None,
    intent: Intent,
) -> tuple[Task, bool]:
    check_due(new)
    repeat.check(new, new.created_at)
    new = replace(new, series_start=repeat.series_start(new))
    for _ in range(MAX_TRIES):
        chain = chain_of(tasks, new.owner_id, new.parent_id) if new.parent_id else []
        if chain:
            check_parents(new.id, chain, 0)
            new = replace(new, list_id=list_id or chain[0].list_id)
        pos = place(tasks, listing, new.owner_id, new.list_id, after_id=after_id, before_id=before_id)
        task = replace(new, pos=pos)
        event = TaskCreated(
            task_id=task.id, owner_id=task.owner_id, list_id=task.list_id, version=1, by=task.created_by
        )
        try:
            return _made(*tasks.create(task, intent, event, tasks.putting_below(chain)))
        except Changed:
            continue
    raise Busy


def _made(task: Task, replayed: bool) -> tuple[Task, bool]:
    if task.deleted_at is not None:
        raise Gone("The request was done before, and the task it made has been deleted since.")
    return task, replayed


def understand(text: str, tz: str) -> tuple[quick.Understood, dict[str, object]]:
    """What a line of text means, and the fields of its task. Raises `InvalidRequest` when no title is left."""
    zone = zone_of(tz)
    found = quick.read(text, zone, clock.now())
    if not found.title:
        raise refused("/text", "Nothing is left for a title.")
    fields: dict[str, object] = {"title": found.title, "tags": tuple(found.tags), "tz": tz}
    if found.priority is not None:
        fields["priority"] = found.priority
    if found.rule is not None:
        fields["recurrence"] = Recurrence(found.rule)
    if found.day is not None and found.at is not None:
        fields["due_at"] = instant_of(datetime.combine(found.day, found.at), zone)
    elif found.day is not None:
        fields["due_date"] = found.day
    return found, fields
