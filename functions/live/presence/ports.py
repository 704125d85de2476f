"""Everything the actions stand on, bound once for an app."""

from dataclasses import dataclass
from typing import Self

from tessera.live import Live
from tessera.recent import Recent
from tessera.settings import Bindings

from .frames import Frames
from .rules import Session
from .store.people import People
from .store.rooms import RoomStore
from .store.rows import PresenceSettings
from .store.sessions import SessionStore

# Whose a session is does not change, and that it ended is known to all from the log: a cursor need not ask each time.
REMEMBERED, REMEMBERED_MS = 5_000, 5_000


@dataclass(frozen=True)
class Ports:
    rooms: RoomStore
    sessions: SessionStore
    people: People
    live: Live
    frames: Frames
    remembered: Recent[Session]
    queue: str

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(
            rooms=bindings.get(RoomStore),
            sessions=bindings.get(SessionStore),
            people=bindings.get(People),
            live=bindings.get(Live),
            frames=bindings.get(Frames),
            remembered=Recent(REMEMBERED, kept_ms=REMEMBERED_MS),
            queue=bindings.settings(PresenceSettings).queue,
        )
