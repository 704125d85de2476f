"""Letting somebody be gone."""

from tessera.transact import telling, transact

from .. import events
from ..ports import Ports
from .leave import end

AT_ONCE = 10


def erase(ports: Ports, owner_id: str) -> tuple[bool, int]:
    """End some of what they have: their sessions, then their rooms with whoever is inside. To be asked until done."""
    erased = 0
    for doc in ports.sessions.rooms_of(owner_id, AT_ONCE):
        for session in ports.sessions.of_room(doc):
            if session.person.user_id == owner_id:
                erased += end(ports, session, "erased")
    for doc in ports.rooms.of_owner(owner_id, AT_ONCE):
        for session in ports.sessions.of_room(doc):
            erased += end(ports, session, "removed")
        erased += ports.rooms.delete(doc)
    if erased:
        # The indexes show what was written a moment later, so done is only who had nothing at all.
        return False, erased
    ports.people.forget(owner_id)
    transact(telling(ports.rooms.table, events.DataErased(owner_id=owner_id, capability="presence")))
    return True, 0
