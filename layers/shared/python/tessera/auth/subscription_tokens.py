"""Tokens to listen to one topic with: what `accounts` signs and the hub reads, with the keys of access tokens.

They are of a type of their own (RFC 8725 3.11), so that none is ever taken for an access token, nor the other way.
"""

from dataclasses import dataclass
from typing import Any

from tessera.auth import jws
from tessera.auth.feed import Feed
from tessera.auth.jws import Malformed
from tessera.auth.problems import TokenExpired, TokenInvalid
from tessera.auth.tokens import Keys, check_header

TYPE = "sub+jwt"


@dataclass(frozen=True)
class Subscription:
    """Who may listen to what, until when (seconds since 1970)."""

    user_id: str
    topic: str
    expires_at: int


def claims_of(subscription: Subscription, *, issuer: str, now: int) -> dict[str, Any]:
    said = {"sub": subscription.user_id, "channel": subscription.topic}
    return {"iss": issuer, **said, "iat": now, "exp": subscription.expires_at}


def read(token: str, keys: Keys, feed: Feed, *, issuer: str, now: float) -> Subscription:
    """What a valid token says. No request while keys and feed are fresh.

    Raises `TokenInvalid`, `TokenExpired` for one that is otherwise valid, `RevocationUnknown`, `Unavailable`.
    """
    try:
        parsed = jws.parse(token)
        kid = check_header(parsed.header, typ=TYPE)
        key = keys.public_key(kid)
        if key is None or not jws.is_signed_by(parsed, key):
            raise Malformed("not signed by us")
        subscription = _subscription(jws.read_object(parsed.payload), issuer)
    except Malformed as error:
        raise TokenInvalid(str(error)) from error
    feed.check_signer(kid)
    if now >= subscription.expires_at:
        raise TokenExpired()
    return subscription


def _subscription(found: dict[str, Any], issuer: str) -> Subscription:
    user_id, topic, expires_at = found.get("sub"), found.get("channel"), found.get("exp")
    if found.get("iss") != issuer:
        raise Malformed("wrong iss")
    if not isinstance(user_id, str) or not isinstance(topic, str) or type(expires_at) is not int:
        raise Malformed("wrong claims")
    return Subscription(user_id, topic, expires_at)
