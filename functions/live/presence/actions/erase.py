"""Letting somebody be gone, and giving them what is theirs."""

from typing import Any

from tessera import clock
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


def export(ports: Ports, owner_id: str, after: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """What is kept of them: first when they were seen, then their rooms, some at a time."""
    items: list[dict[str, Any]] = []
    if after is None:
        row = ports.people.of([owner_id]).get(owner_id)
        if row is not None:
            seen = clock.rfc3339(clock.from_millis(int(row.last_seen))) if row.last_seen is not None else None
            items.append({"kind": "seen", "last_seen": seen, "shows": row.shows})
    rooms, following = ports.rooms.page_of_owner(owner_id, after)
    for room in rooms:
        wanted = room.wanted
        told = {"max_members": wanted.max_members, "visibility": wanted.visibility.value, "ttl_s": wanted.ttl_s}
        items.append({"kind": "room", "doc": room.doc, **told, "member_ids": sorted(wanted.member_ids)})
    return items, following
