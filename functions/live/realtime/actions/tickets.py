"""Tickets to listen with: for an `EventSource`, which sends no headers."""

from collections.abc import Sequence
from dataclasses import replace

from tessera.auth.principal import Principal

from ..ports import Ports
from ..rules.access import SUBSCRIBE
from ..store.tickets import Ticket, Tickets
from .access import require_all


def issue(ports: Ports, tickets: Tickets, caller: Principal, topics: Sequence[str]) -> str:
    """A ticket for these topics. 1 request, and 1 where grants decide. Raises `TopicForbidden`.

    It says who its holder is and nothing of what they may do elsewhere. Whether they may listen is looked at again
    each time it is used.
    """
    require_all(ports, caller, topics, SUBSCRIBE)
    return tickets.issue(Ticket(replace(caller, permissions=frozenset(), scope=None), tuple(topics)))
