"""Everything the actions stand on, bound once for an app."""

from dataclasses import dataclass, field
from typing import Self

from tessera.jobs import Jobs
from tessera.recent import Recent
from tessera.settings import Bindings

from .rules.expand import Plan
from .rules.ranking import Found
from .rules.results import Explained
from .sources import Sources
from .store.admin import Admin
from .store.indexing import Indexing
from .store.reading import Reading
from .work import Queue

HOT, HOT_MS = 256, 10_000


@dataclass(frozen=True)
class Ports:
    reading: Reading
    indexing: Indexing
    admin: Admin
    sources: Sources
    queue: Queue
    jobs: Jobs
    # What everybody asks for, and may see.
    hot: Recent[tuple[Plan, Found, Explained]] = field(default_factory=lambda: Recent(HOT, HOT_MS))

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(
            reading=bindings.get(Reading),
            indexing=bindings.get(Indexing),
            admin=bindings.get(Admin),
            sources=bindings.get(Sources),
            queue=bindings.get(Queue),
            jobs=bindings.get(Jobs),
        )
