"""Deleting what an owner has, and the counters of links that are gone."""

from tessera.etags import StaleVersion
from tessera.transact import telling, transact

from ..events import DataErased
from ..ports import Ports
from .manage import remove

LINKS_AT_ONCE, COUNTERS_AT_ONCE = 25, 400


def erase(ports: Ports, owner_id: str) -> tuple[bool, int]:
    """Delete some of what an owner has: whether nothing is left, and how much went. To be asked until done.

    The codes stay taken for a year, and tell nothing of whose they were. Clicks name nobody and end after thirty days.
    """
    gone = 0
    for link in ports.lists.some(owner_id, LINKS_AT_ONCE):
        ports.clicks.forget(link.id, COUNTERS_AT_ONCE)
        try:
            remove(ports, link)
        except StaleVersion:
            # It has changed this moment: it goes with the next call.
            continue
        gone += 1
    if gone or ports.lists.some(owner_id, 1):
        return False, gone
    domains = ports.domains.domains(owner_id)
    for row in domains:
        ports.domains.give_up(row)
    transact(telling(ports.links.table, DataErased(owner_id=owner_id, capability="shortener")))
    return True, len(domains)


def forget(ports: Ports, link_id: str) -> None:
    """Delete the counters of a link that is gone."""
    while ports.clicks.forget(link_id, COUNTERS_AT_ONCE) == COUNTERS_AT_ONCE:
        pass
