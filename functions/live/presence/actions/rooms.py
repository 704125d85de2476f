"""Rooms, as their owners want them."""

from tessera import queues

from ..ports import Ports
from ..rules import Person, Room, Wanted
from .leave import REVIEW


def put(ports: Ports, doc: str, wanted: Wanted, *, expect: int | None, may_make: bool, by: Person) -> tuple[Room, bool]:
    """Make a room or change it, and whether it is new; whom it admits no more is let go of a moment later.

    Raises `NotFound`, `DocumentTaken`, `TooManyInside` and `StaleVersion`.
    """
    room, is_new = ports.rooms.put(doc, by.owner_id, wanted, expect=expect, may_make=may_make)
    if not is_new and ports.queue:
        queues.send(ports.queue, REVIEW, {"doc": doc})
    return room, is_new
