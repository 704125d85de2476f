"""From the credential of a request to its principal."""

from dataclasses import replace
from datetime import timedelta

from tessera import clock, log
from tessera.auth import csrf
from tessera.auth.api_keys import PREFIX, principal_of_key
from tessera.auth.call import Call
from tessera.auth.cookies import ACCESS_COOKIE, cookie_of, has_cookie
from tessera.auth.feed import Feed
from tessera.auth.keyring import KeyRing
from tessera.auth.principal import Principal, actor_of
from tessera.auth.problems import (
    CredentialsAmbiguous,
    CsrfFailed,
    OriginNotAllowed,
    TokenInvalid,
    Unauthenticated,
)
from tessera.auth.roles import expand, expand_in_organisation
from tessera.auth.settings import AuthSettings
from tessera.auth.tokens import Claims, verify
from tessera.problems import UnsupportedMedia
from tessera.settings import Settings

KEY_HEADER = "X-API-Key"
# What a request is refused with before anybody is known.
REFUSALS = (Unauthenticated, CredentialsAmbiguous, CsrfFailed, OriginNotAllowed, UnsupportedMedia)


def has_credential(call: Call) -> bool:
    """Whether anything was sent that claims to say who is asking.

    Raises `CredentialsAmbiguous` for two of them or one in the URL (RFC 6750 2.3, RFC 9700 4.3.2).
    """
    sent = call.all_of("authorization")
    # A gateway may join repeated headers with a comma, which no credential of ours contains.
    if len(sent) > 1 or any("," in value for value in sent):
        raise CredentialsAmbiguous("Send one Authorization header.")
    if any(pair.partition("=")[0] == "access_token" for pair in call.query_string.split("&")):
        raise CredentialsAmbiguous("A token in a URL ends up in logs. Send it in the Authorization header.")
    keys = _keys_in_header(call)
    if len(keys) > 1 or (keys and sent):
        raise CredentialsAmbiguous(f"Send one credential: {KEY_HEADER} or Authorization, once.")
    return bool(sent or keys) or has_cookie(call, ACCESS_COOKIE)


def authenticate(call: Call) -> Principal:
    """The principal of a request that `has_credential`. No request of its own while keys and feed are fresh.

    The header wins over the cookie, which for an unsafe method must come from a page of ours. Raises one of
    `REFUSALS`, or `RevocationUnknown`.
    """
    principal = _authenticated(call)
    # Said here, so that it stands in the line of a request that is refused for what it asks, too.
    log.current().caller = f"{principal.kind}:{principal.id}"
    return principal


def _authenticated(call: Call) -> Principal:
    if not call.all_of("authorization"):
        keys = _keys_in_header(call)
        return principal_of_key(call, keys[0]) if keys else _of_cookie(call)
    scheme, _, token = call.header("authorization").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenInvalid("wrong scheme")
    if token.startswith(PREFIX):
        return principal_of_key(call, token)
    return _of_token(call, token)


def _keys_in_header(call: Call) -> list[str]:
    """What came as `X-API-Key`, where the configuration says that it is read."""
    return call.all_of(KEY_HEADER.lower()) if call.bindings.settings(AuthSettings).x_api_key else []


def _of_cookie(call: Call) -> Principal:
    call.answer_headers.update(csrf.HEADERS)
    principal = replace(_of_token(call, cookie_of(call, ACCESS_COOKIE)), credential="cookie")
    csrf.check_csrf(call)
    return principal


def _of_token(call: Call, token: str) -> Principal:
    bindings = call.bindings
    issuer = bindings.settings(Settings).issuer
    claims = verify(token, bindings.get(KeyRing), issuer=issuer, now=clock.now().timestamp())
    bindings.get(Feed).check(claims)
    return principal_of(claims)


def principal_of(claims: Claims) -> Principal:
    """The user that these claims speak of."""
    if ":" in claims.sub:
        raise TokenInvalid("not a user")
    # What a person is on the platform never flows into an organisation they act for.
    roles = frozenset(["user"]) if claims.org else frozenset(claims.roles)
    held = expand_in_organisation(claims.org_role, claims.perms) if claims.org else expand(roles, claims.perms)
    return Principal(
        kind="user",
        id=claims.sub,
        user_id=claims.sub,
        roles=roles,
        aal=claims.aal,
        amr=claims.amr,
        auth_time=clock.EPOCH + timedelta(seconds=claims.auth_time) if claims.auth_time is not None else None,
        session_id=claims.sid,
        client_id=claims.client_id,
        org=claims.org,
        credential="bearer",
        org_role=claims.org_role,
        epoch=claims.ep,
        org_epoch=claims.org_ep,
        issued_at=claims.iat,
        actor=actor_of(claims.act) if claims.act else None,
        permissions=held,
        scope=None if claims.scope is None else frozenset(claims.scope.split()),
        plan=claims.plan,
    )
