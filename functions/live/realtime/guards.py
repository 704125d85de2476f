"""Who may listen over HTTP: whoever is signed in, whoever shows a ticket, and nobody in particular."""

from typing import Any
from urllib.parse import parse_qs

from fastapi import Depends

from tessera import log
from tessera.auth.authenticate import authenticate, has_credential
from tessera.auth.call import Call
from tessera.auth.charging import charge
from tessera.auth.feed import Feed
from tessera.auth.guards import Authenticated
from tessera.auth.principal import ANONYMOUS, Principal
from tessera.auth.problems import TokenInvalid, Unauthenticated

from .store.tickets import Ticket, Tickets

# Under this name the topics of the ticket go along with the request.
TOPICS = "ticket_topics"
LISTEN = "realtime:read"


class Reading(Authenticated):
    """A token or a key. Without either there are the public topics."""

    def __init__(self) -> None:
        super().__init__(permission=LISTEN, optional=True)

    def describe(self) -> str:
        return f"optional user with {LISTEN}"


class Listening(Reading):
    """The same, or a ticket in the address."""

    def describe(self) -> str:
        return f"{super().describe()}, or a ticket"

    def admit(self, call: Call) -> Principal:
        shown = parse_qs(call.query_string, keep_blank_values=True).get("ticket")
        if shown is None:
            return super().admit(call)
        try:
            ticket = _ticket(call, shown)
        except Unauthenticated as refused:
            log.current().cause = refused.cause
            charge(call, ANONYMOUS, self.rate)
            raise
        charge(call, ticket.principal, self.rate)
        call.live[TOPICS] = ticket.topics
        return ticket.principal


def _ticket(call: Call, shown: list[str]) -> Ticket:
    """1 request. Raises what `authenticate` raises."""
    ticket = call.bindings.get(Tickets).use(shown[0]) if len(shown) == 1 else None
    if ticket is None:
        raise TokenInvalid("no such ticket")
    # A ticket ends with the session it was made in.
    call.bindings.get(Feed).check_principal(ticket.principal)
    if has_credential(call) and not _is_same_session(call, ticket.principal):
        raise TokenInvalid("a ticket of another session")
    return ticket


def _is_same_session(call: Call, holder: Principal) -> bool:
    """Whether what came beside the ticket is of its session, or says nothing because it has run out."""
    try:
        beside = authenticate(call)
    except Unauthenticated:
        return True
    return (beside.kind, beside.id, beside.session_id) == (holder.kind, holder.id, holder.session_id)


def listening() -> Any:
    return Depends(Listening())


def signed_in_or_nobody() -> Any:
    return Depends(Reading())
