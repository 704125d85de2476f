"""Wanting nothing of somebody: no conversation is opened, and the one there is stands still."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tessera.auth.principal import Principal
from tessera.backoff import Backoff
from tessera.problems import Busy
from tessera.seqlog import Appended
from tessera.transact import Step, transact

from ..ports import Ports
from ..rules.messages import refused
from ..rules.rooms import Room
from ..store.writing import Changed
from .access import person
from .commit import Plan, Told, commit

MAX_TRIES, PAUSE_SECONDS = 5, 0.020
Decide = Callable[[Room], tuple[Plan, None]]


def block(ports: Ports, other_id: str, *, by: Principal) -> None:
    user_id = person(by)
    if other_id == user_id:
        raise refused("user", "Nobody blocks themselves.")
    set_block(ports, user_id, other_id, blocks=True)


def unblock(ports: Ports, other_id: str, *, by: Principal) -> None:
    set_block(ports, person(by), other_id, blocks=False)


def set_block(ports: Ports, user_id: str, other_id: str, *, blocks: bool) -> None:
    """Once or many times, it ends the same. Who opens a conversation at this moment comes before or after."""
    pair = sorted([user_id, other_id])
    note = ports.personal.blocking if blocks else ports.personal.unblocking
    backoff = Backoff(PAUSE_SECONDS, PAUSE_SECONDS)
    for _ in range(MAX_TRIES):
        room_id = ports.personal.dm_of(pair)
        if room_id is not None:
            commit(ports, room_id, _standing_still(ports, user_id, note(user_id, other_id), blocks=blocks), fresh=True)
            return
        try:
            transact(note(user_id, other_id), ports.personal.no_dm(pair))
        except Changed:
            backoff.wait()
            continue
        return
    raise Busy


def _standing_still(ports: Ports, user_id: str, noting: Step, *, blocks: bool) -> Decide:
    def decide(room: Room) -> tuple[Plan, None]:
        rest = tuple(one for one in room.blocked_by if one != user_id)
        after = replace(room, blocked_by=(*rest, user_id) if blocks else rest)

        def steps(made: Appended) -> Sequence[Step]:
            return [noting, ports.rooms.turning(room, after)]

        # Who has blocked whom is not told; that nothing can be said any more is.
        return Plan([Told("room", {"open": not after.blocked_by})], steps, after), None

    return decide
