"""Deleting what a user has in the hub."""

from tessera.live import user_topic

from ..ports import Ports
from ..store.erasure import Erasure
from .leave import end

ENTRIES_AT_ONCE, CONNECTIONS_AT_ONCE = 200, 10


def erase(ports: Ports, user: str) -> tuple[bool, int]:
    """Delete some of it: whether none is left, and how much went. To be asked until done."""
    erasure = Erasure(ports.connections.table)
    ended = 0
    for row in ports.connections.of_user(user, at_most=CONNECTIONS_AT_ONCE):
        # The socket itself is closed by the worker, which alone can reach it.
        ports.later("drop", {"connection": row.connection})
        end(ports, row.connection)
        ended += 1
    erased = erasure.entries(user_topic(user), ENTRIES_AT_ONCE)
    ports.live.log.forget(user_topic(user))
    erasure.online(user)
    is_done = ended < CONNECTIONS_AT_ONCE and erased < ENTRIES_AT_ONCE
    if is_done:
        erasure.tell(user)
    return is_done, ended + erased
