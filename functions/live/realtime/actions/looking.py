"""Reads over HTTP: a topic's history, and who listens to it."""

from tessera.auth.principal import Principal

from ..ports import Ports
from ..rules.access import HISTORY, PRESENCE
from ..rules.position import Position
from ..rules.problems import PresenceNotKept, UnrecoverablePosition
from ..store.rows import SubscriptionRow
from .access import require
from .look import Found, entries_of, listeners_of


def history(ports: Ports, caller: Principal, topic: str, since: Position | None, *, limit: int, reverse: bool) -> Found:
    """At most 3 requests. Raises `UnrecoverablePosition` and what `access.require` raises."""
    require(ports, caller, topic, HISTORY)
    found = entries_of(ports, topic, since, limit, reverse=reverse)
    if found is None:
        raise UnrecoverablePosition()
    return found


def present(ports: Ports, caller: Principal, topic: str) -> list[SubscriptionRow]:
    """Everybody who listens. 1 request, and 1 a shard. Raises `PresenceNotKept` and what `access.require` raises."""
    if not require(ports, caller, topic, PRESENCE).presence:
        raise PresenceNotKept()
    return listeners_of(ports, topic)
