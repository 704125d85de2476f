"""Who gets into a room."""

from tessera.auth.principal import Principal
from tessera.problems import NotFound

from ..ports import Ports
from ..rules import Person, Room


def person_of(caller: Principal) -> Person:
    """The person behind the request, and whom they act for."""
    return Person(caller.user_id or caller.id, caller.owner_id)


def enter(ports: Ports, doc: str, person: Person, *, fresh: bool = False) -> Room:
    """The room, as it is or as it was some seconds ago. Raises `NotFound`, also for who is not admitted."""
    room = ports.rooms.get(doc) if fresh else ports.rooms.remembered(doc)
    if not room.admits(person):
        raise NotFound("There is no such room.")
    return room
