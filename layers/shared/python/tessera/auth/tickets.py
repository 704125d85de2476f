"""Tickets for what cannot carry a header: a WebSocket's address, a download's link.

A ticket holds its principal and a code over it, so that reading one costs no request. It lives for 30
seconds. Whoever redeems it must remember its id that long, which is what makes it good only once.
"""

import json
from dataclasses import dataclass
from typing import Any

from tessera import clock, ids
from tessera.auth import jws
from tessera.auth.feed import Feed
from tessera.auth.mac import Mac
from tessera.auth.principal import Principal
from tessera.auth.problems import TokenInvalid

PREFIX = "twt_"
PURPOSE = "ticket"
LIFE_SECONDS = 30
MAX_CHARACTERS = 4_096


@dataclass(frozen=True)
class Ticket:
    """`id` is for the redeemer's memory, until `expires_at` (seconds since 1970)."""

    id: str
    principal: Principal
    expires_at: int


def issue(mac: Mac, principal: Principal) -> tuple[str, Ticket]:
    """A ticket for this principal, as it was verified just now."""
    made = Ticket(ids.new(), principal, clock.millis() // 1000 + LIFE_SECONDS)
    said = {"id": made.id, "exp": made.expires_at, "principal": principal.snapshot()}
    body = json.dumps(said, separators=(",", ":")).encode()
    return f"{PREFIX}{jws.encode(body)}.{jws.encode(mac(PURPOSE).sign(body))}", made


def read(text: str, mac: Mac, feed: Feed) -> Ticket:
    """The ticket, if it is one of ours and nothing in it was revoked since.

    Raises `TokenInvalid`, `SessionRevoked`, `TokenStale`, `RevocationUnknown`.
    """
    if not text.startswith(PREFIX) or len(text) > MAX_CHARACTERS:
        raise TokenInvalid("not a ticket")
    body, _, tag = text.removeprefix(PREFIX).partition(".")
    try:
        raw = jws.decode(body)
        if not mac(PURPOSE).verify(raw, jws.decode(tag)):
            raise TokenInvalid("ticket not signed by us")
    except jws.Malformed as error:
        raise TokenInvalid("malformed ticket") from error
    said: dict[str, Any] = json.loads(raw)
    if said["exp"] <= clock.now().timestamp():
        raise TokenInvalid("ticket expired")
    principal = Principal.of_snapshot(said["principal"])
    feed.check_principal(principal)
    return Ticket(said["id"], principal, said["exp"])
