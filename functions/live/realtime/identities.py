"""From what a client shows to whose connection it is."""

import json
from typing import Any

from tessera.auth import jws
from tessera.auth.api_keys import PREFIX
from tessera.auth.authenticate import authenticate
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.auth.problems import TokenExpired, TokenStale
from tessera.problems import Problem
from tessera.settings import Bindings

from .protocol.replies import Disconnect, Refused
from .store.connections import Identity

NOBODY = Identity("", "", "", None)
BEARER = "bearer."
LISTEN = "realtime:read"


def of_token(token: str, address: str, bindings: Bindings) -> Identity:
    """Whose token or API key this is.

    Raises `Refused` 109 when a new one would do, 100 when nobody can say, and `Disconnect` 3500 for the rest.
    """
    try:
        principal = authenticate(_call(token, address, bindings))
    except (TokenExpired, TokenStale):
        raise Refused(109) from None
    except Problem as problem:
        if problem.status == 503:
            raise Refused(100) from None
        raise Disconnect(3500) from None
    # A token or key that was made for something else does not listen.
    if not principal.can(LISTEN):
        raise Disconnect(3500)
    return of_principal(principal, _end_of(token))


def of_principal(principal: Principal, expires_at: int | None) -> Identity:
    user = principal.user_id or ""
    session = principal.session_id or (principal.id if principal.kind == "api_key" else "")
    return Identity(user, session, json.dumps(principal.snapshot(), separators=(",", ":")), expires_at)


def principal_of(snapshot: str) -> Principal:
    """Read what `of_principal` has kept."""
    return Principal.of_snapshot(json.loads(snapshot))


def call_of(event: dict[str, Any], bindings: Bindings) -> Call:
    """What a socket's opening says, as authentication and limits look at it."""
    sent = event.get("multiValueHeaders") or {name: [value] for name, value in (event.get("headers") or {}).items()}
    headers = tuple((name.lower(), value) for name, values in sent.items() for value in values)
    address = str(event["requestContext"].get("identity", {}).get("sourceIp", ""))
    return Call("GET", "/live", headers, "", address, True, None, bindings, "")


def _call(token: str, address: str, bindings: Bindings) -> Call:
    headers = (("authorization", f"Bearer {token}"),)
    return Call("GET", "/live", headers, "", address, True, None, bindings, "")


def _end_of(token: str) -> int | None:
    """When a token that was verified a moment ago ends; a key ends when it is revoked."""
    if token.startswith(PREFIX):
        return None
    claims: dict[str, Any] = json.loads(jws.decode(token.split(".")[1]))
    return int(claims["exp"])
