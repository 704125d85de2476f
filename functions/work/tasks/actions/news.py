"""What people are told live of their tasks, wherever they have them open."""

from typing import Self

from tessera.live import Live, LiveSettings, user_topic
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.transact import AlreadySeen, seen
from tessera.types import Model

from ..store.tasks import TasksSettings


class TaskChange(Model):
    """What is told of an event: enough to know what to read again, and whether one has it already."""

    task_id: str
    list_id: str
    version: int
    changed: tuple[str, ...] = ()
    next_task_id: str | None = None


class News:
    """Nothing is told where there is no hub."""

    def __init__(self, table: Table, live: Live | None) -> None:
        self._table, self._live = table, live

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        live = bindings.get(Live) if bindings.settings(LiveSettings).realtime else None
        return cls(Table(bindings.settings(TasksSettings).table), live)

    def tell(self, user_id: str, event: Envelope, change: TaskChange) -> None:
        """Tell a person, once for each event. 1 transaction."""
        if self._live is None:
            return
        said = {"kind": f"tasks.{event.type.split('.')[2]}", **change.model_dump(exclude_defaults=True)}
        try:
            self._live.publish(user_topic(user_id), said, also=lambda made: [seen(self._table, event.id)])
        except AlreadySeen:
            return
