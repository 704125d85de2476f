"""What `tasks` tells the rest.

All of `tasks.task` come back to its own queue, which tells people live, and keeps search rows and tag
counts by `created`, `updated` and `deleted`; `search` follows these and `completed`. `notifications`
tells people of `tasks.task.overdue` and `tasks.reminder.due`, and `admin` keeps `privacy.data.erased`
as the proof.
"""

from typing import ClassVar

from tessera.bus import Event
from tessera.types import Instant, Model


class _OfTask(Model):
    """Which task and whose. Texts stay in the table: a consumer reads what it may see."""

    task_id: str
    owner_id: str
    list_id: str
    version: int


class TaskCreated(_OfTask, Event):
    type: ClassVar[str] = "tasks.task.created.v1"

    by: str


class TaskUpdated(_OfTask, Event):
    type: ClassVar[str] = "tasks.task.updated.v1"

    by: str
    changed: tuple[str, ...]


class TaskCompleted(_OfTask, Event):
    type: ClassVar[str] = "tasks.task.completed.v1"

    by: str
    next_task_id: str | None = None


class TaskDeleted(_OfTask, Event):
    type: ClassVar[str] = "tasks.task.deleted.v1"

    by: str


class TaskOverdue(_OfTask, Event):
    type: ClassVar[str] = "tasks.task.overdue.v1"

    user_id: str
    due: Instant


class ReminderDue(Event):
    """Somebody asked to be reminded now. The title is in it because it is what the reminder says."""

    type: ClassVar[str] = "tasks.reminder.due.v1"

    task_id: str
    owner_id: str
    user_id: str
    title: str
    remind_at: Instant
    due: Instant | None = None


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
