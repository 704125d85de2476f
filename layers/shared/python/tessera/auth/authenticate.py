"""From the credential of a request to its principal."""

from datetime import timedelta

from tessera import clock
from tessera.auth.call import Call
from tessera.auth.feed import Feed
from tessera.auth.keyring import KeyRing
from tessera.auth.principal import Actor, Principal
from tessera.auth.problems import CredentialsAmbiguous, TokenInvalid
from tessera.auth.roles import expand
from tessera.auth.tokens import Claims, verify
from tessera.settings import Settings

ACCESS_COOKIE = "__Host-tessera_at"
API_KEY_PREFIX = "tsk_"


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
    return bool(sent) or _has_cookie(call)


def authenticate(call: Call) -> Principal:
    """The principal of a request that `has_credential`. No request of its own while keys and feed are fresh.

    The header wins over the cookie. Raises one of `Unauthenticated`, or `RevocationUnknown`.
    """
    scheme, _, token = call.header("authorization").partition(" ")
    if not scheme:
        raise TokenInvalid("cookies are not accepted yet")
    if scheme.lower() != "bearer":
        raise TokenInvalid("wrong scheme")
    if token.startswith(API_KEY_PREFIX):
        raise TokenInvalid("API keys are not accepted yet")
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
    actor = claims.act
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
        actor=Actor(str(actor.get("sub")), actor.get("sid")) if actor else None,
        permissions=expand(roles, () if claims.org else claims.perms),
        scope=None if claims.scope is None else frozenset(claims.scope.split()),
        plan=claims.plan,
    )


def _has_cookie(call: Call) -> bool:
    pairs = (pair.strip() for value in call.all_of("cookie") for pair in value.split(";"))
    return any(pair.partition("=")[0] == ACCESS_COOKIE for pair in pairs)
