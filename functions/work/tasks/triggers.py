"""What reaches `tasks` other than HTTP: its own events, the jobs it sends itself, and what has become due."""

from tessera.due import DueItem
from tessera.jobs import Jobs
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On

from .actions import lists, upkeep
from .actions.news import News, TaskChange
from .store.listing import Listing
from .store.search import Search
from .store.tasks import TasksSettings, TaskStore


class TaskTouched(TaskChange):
    """`by` is who did it."""

    owner_id: str
    by: str


class TaskLate(TaskChange):
    owner_id: str
    user_id: str


def follow(touched: TaskTouched, received: Envelope, bindings: Bindings) -> None:
    # No record of seen events: what is derived comes from the task as it is now, not from the event.
    upkeep.follow(bindings.get(TaskStore), bindings.get(Search), touched.owner_id, touched.task_id)
    # After it, so that who looks again finds it by its words too.
    tell(touched, received, bindings)


def tell(touched: TaskTouched, received: Envelope, bindings: Bindings) -> None:
    _tell_owner(touched.owner_id, touched.by, received, bindings)


def tell_overdue(task: TaskLate, received: Envelope, bindings: Bindings) -> None:
    _tell_owner(task.owner_id, task.user_id, received, bindings)


def _tell_owner(owner_id: str, user_id: str, received: Envelope, bindings: Bindings) -> None:
    # What others do for an organisation has no topic that its members share.
    if owner_id == user_id:
        bindings.get(News).tell(owner_id, received, TaskChange.model_validate(received.data))


def clear_list(work: lists.ClearList, received: Envelope, bindings: Bindings) -> None:
    queue = bindings.settings(TasksSettings).queue
    lists.clear(bindings.get(TaskStore), bindings.get(Listing), bindings.get(Jobs), queue, work)


def come_due(item: DueItem, bindings: Bindings) -> None:
    upkeep.come_due(bindings.get(TaskStore), item)


ENTRIES = Entries(
    events=[
        On("tasks.task.created.v1", TaskTouched, follow),
        On("tasks.task.updated.v1", TaskTouched, follow),
        On("tasks.task.completed.v1", TaskTouched, tell),
        On("tasks.task.deleted.v1", TaskTouched, follow),
        On("tasks.task.overdue.v1", TaskLate, tell_overdue),
    ],
    jobs=[On(lists.CLEAR, lists.ClearList, clear_list)],
    due=come_due,
)
