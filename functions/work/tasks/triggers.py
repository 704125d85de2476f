"""What reaches `tasks` other than HTTP: its own events, the jobs it sends itself, and what has become due."""

from tessera.due import DueItem
from tessera.jobs import Jobs
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On
from tessera.types import Model

from .actions import lists, upkeep
from .store.listing import Listing
from .store.search import Search
from .store.tasks import TasksSettings, TaskStore


class TaskTouched(Model):
    """What the derived rows need to know of an event: which task to look at."""

    owner_id: str
    task_id: str


def follow(touched: TaskTouched, received: Envelope, bindings: Bindings) -> None:
    # No record of seen events: what is derived comes from the task as it is now, not from the event.
    upkeep.follow(bindings.get(TaskStore), bindings.get(Search), touched.owner_id, touched.task_id)


def clear_list(work: lists.ClearList, received: Envelope, bindings: Bindings) -> None:
    queue = bindings.settings(TasksSettings).queue
    lists.clear(bindings.get(TaskStore), bindings.get(Listing), bindings.get(Jobs), queue, work)


def come_due(item: DueItem, bindings: Bindings) -> None:
    upkeep.come_due(bindings.get(TaskStore), item)


ENTRIES = Entries(
    events=[
        On("tasks.task.created.v1", TaskTouched, follow),
        On("tasks.task.updated.v1", TaskTouched, follow),
        On("tasks.task.deleted.v1", TaskTouched, follow),
    ],
    jobs=[On(lists.CLEAR, lists.ClearList, clear_list)],
    due=come_due,
)
