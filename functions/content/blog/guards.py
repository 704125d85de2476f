"""Who may call the facade: whoever shows a token of its own realm, as `Token` or as `Bearer`."""

from typing import Any

from fastapi import Depends

from tessera import clock, log
from tessera.auth.authenticate import principal_of
from tessera.auth.call import Call
from tessera.auth.charging import Rate, charge
from tessera.auth.feed import Feed
from tessera.auth.guards import Guard
from tessera.auth.keyring import KeyRing
from tessera.auth.principal import ANONYMOUS, Principal
from tessera.auth.problems import Unauthenticated
from tessera.auth.tokens import verify

from .config import BlogSettings
from .rules.conduit import ConduitError, not_found, wrong_token

SCOPE = "blog:conduit"
SCHEMES = ("token", "bearer")


class OfTheRealm(Guard):
    """Somebody of the realm, or with `optional` nobody. Whether the token was called back, the action finds out."""

    def __init__(self, *, optional: bool) -> None:
        super().__init__(Rate("conduit:ip"))
        self.optional = optional

    def describe(self) -> str:
        return f"{'optional ' if self.optional else ''}token of the realm conduit"

    def admit(self, call: Call) -> Principal:
        if call.bindings.settings(BlogSettings).conduit != "on":
            raise not_found("body")
        charge(call, ANONYMOUS, self.rate)
        sent = call.all_of("authorization")
        if not sent:
            if self.optional:
                return ANONYMOUS
            raise ConduitError(401, {"token": "is missing"})
        return _principal(call, sent[0] if len(sent) == 1 else "")


class Open(OfTheRealm):
    """Anybody: for signing up and in."""

    is_public = True

    def __init__(self) -> None:
        super().__init__(optional=True)

    def describe(self) -> str:
        return "public"

    def admit(self, call: Call) -> Principal:
        if call.bindings.settings(BlogSettings).conduit != "on":
            raise not_found("body")
        charge(call, ANONYMOUS, self.rate)
        return ANONYMOUS


def _principal(call: Call, header: str) -> Principal:
    scheme, _, token = header.partition(" ")
    bindings = call.bindings
    try:
        if scheme.lower() not in SCHEMES:
            raise wrong_token()
        issuer = bindings.settings(BlogSettings).issuer
        claims = verify(token.strip(), bindings.get(KeyRing), issuer=issuer, now=clock.now().timestamp())
        bindings.get(Feed).check(claims)
        principal = principal_of(claims)
    except Unauthenticated as refused:
        log.current().cause = refused.cause
        raise wrong_token() from None
    if principal.scope is None or SCOPE not in principal.scope or principal.org is not None:
        raise wrong_token()
    return principal


def token_of(call: Call) -> str:
    """The token as it was shown."""
    return call.header("authorization").partition(" ")[2].strip()


def open_to_all() -> Any:
    return Depends(Open())


def of_the_realm() -> Any:
    return Depends(OfTheRealm(optional=False))


def of_the_realm_or_nobody() -> Any:
    return Depends(OfTheRealm(optional=True))
