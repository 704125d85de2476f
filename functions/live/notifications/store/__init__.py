"""The table of notifications, one class per thing that is kept."""

from typing import Self

from tessera.settings import Bindings
from tessera.tables import Table

from ..config import NotifySettings
from .batches import Batches as Batches
from .deliveries import Deliveries as Deliveries
from .devices import Devices as Devices
from .feed import Feed as Feed
from .people import People as People
from .topics import Topics as Topics
from .types import Types as Types


class NotifyStore:
    """Everything that is kept, bound to one table."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.people = People(table)
        self.feed = Feed(table)
        self.batches = Batches(table)
        self.deliveries = Deliveries(table, self.batches)
        self.devices = Devices(table)
        self.types = Types(table)
        self.topics = Topics(table)

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(NotifySettings).table))
