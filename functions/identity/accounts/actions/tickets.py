"""One-time tickets."""

from tessera.auth import tickets
from tessera.auth.principal import Principal
from tessera.auth.tickets import Ticket

from ..ports import Ports


def issue(ports: Ports, principal: Principal) -> tuple[str, Ticket]:
    """The ticket's text, and what it says. No request."""
    return tickets.issue(ports.mac, principal)
