"""What happens by itself: search rows follow their tasks, overdue is told once, reminders fire."""

from tessera.due import DueItem

from ..events import ReminderDue, TaskOverdue
from ..rules.due import awaits_overdue, due_of
from ..store.search import Search
from ..store.tasks import TaskStore


def follow(tasks: TaskStore, search: Search, owner_id: str, task_id: str) -> None:
    """Bring what is derived from a task in step with it. Doing it twice, late or out of order changes nothing."""
    search.derive(owner_id, task_id, tasks.find(owner_id, task_id))


def come_due(tasks: TaskStore, seen: DueItem) -> None:
    """Handle one item the sweeper has found. The same item a second time is no longer as it was seen."""
    if seen.sk.startswith("R#"):
        _remind(tasks, seen)
    elif seen.sk.startswith("T#"):
        _tell_overdue(tasks, seen)


def _tell_overdue(tasks: TaskStore, seen: DueItem) -> None:
    task = tasks.find(seen.pk.partition("#")[2], seen.sk.partition("#")[2])
    due = awaits_overdue(task) if task else None
    if task is None or due is None:
        return
    event = TaskOverdue(
        task_id=task.id,
        owner_id=task.owner_id,
        list_id=task.list_id,
        version=task.version,
        user_id=task.created_by,
        due=due,
    )
    tasks.mark_overdue(seen, due, event)


def _remind(tasks: TaskStore, seen: DueItem) -> None:
    task, when = tasks.reminder_task(seen)
    if task is None or task.is_done or task.deleted_at is not None or when not in task.remind_at:
        tasks.fire_reminder(seen, None)
        return
    event = ReminderDue(
        task_id=task.id,
        owner_id=task.owner_id,
        user_id=task.created_by,
        title=task.title,
        remind_at=when,
        due=due_of(task),
    )
    tasks.fire_reminder(seen, event)
