"""Access tokens: JWTs of RFC 9068, verified in the order that RFC 8725 advises.

One function serves HTTP and WebSocket. It makes no call when the key is known.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tessera.auth import jws
from tessera.auth.jws import ALGORITHM, Malformed
from tessera.auth.problems import TokenExpired, TokenInvalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey as PublicKey

T = TypeVar("T")

TYPE = "at+jwt"
AUDIENCE = "tessera"
EXPIRY_LEEWAY_SECONDS = 30
MAX_AHEAD_SECONDS = 60
# A header that brings its own key, or asks for rules we do not know, is refused whatever it says.
FORBIDDEN_HEADERS = frozenset(["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip"])


class Keys(Protocol):
    def public_key(self, kid: str) -> "PublicKey | None":
        """The key of this id, or None when it is unknown or revoked."""
        ...


@dataclass(frozen=True)
class Claims:
    """What a verified token says."""

    sub: str
    sid: str
    ep: int
    iat: int
    exp: int
    kid: str = ""
    jti: str = ""
    roles: tuple[str, ...] = ()
    perms: tuple[str, ...] = ()
    scope: str | None = None
    amr: tuple[str, ...] = ()
    aal: int = 1
    auth_time: int | None = None
    plan: str = "user"
    act: dict[str, Any] | None = None
    client_id: str | None = None
    org: str | None = None
    org_role: str | None = None
    org_ep: int = 0


def verify(token: str, keys: Keys, *, issuer: str, audience: str = AUDIENCE, now: float) -> Claims:
    """The claims of a valid token; `now` is in seconds since 1970.

    Raises `TokenInvalid`, whose `cause` is for the log, or `TokenExpired` for a token that is
    otherwise valid.
    """
    try:
        parsed = jws.parse(token)
        kid = check_header(parsed.header, typ=TYPE)
        key = keys.public_key(kid)
        if key is None:
            raise Malformed("unknown key")
        if not jws.is_signed_by(parsed, key):
            raise Malformed("wrong signature")
        claims = _claims(jws.read_object(parsed.payload), kid, issuer=issuer, audience=audience)
    except Malformed as error:
        raise TokenInvalid(str(error)) from error
    if claims.iat > now + MAX_AHEAD_SECONDS:
        raise TokenInvalid("issued in the future")
    if now >= claims.exp + EXPIRY_LEEWAY_SECONDS:
        raise TokenExpired()
    return claims


def check_header(header: dict[str, Any], *, typ: str | None) -> str:
    """The key id of an acceptable header. `typ=None` is for signatures that are no access tokens.

    Raises `Malformed`. The algorithm is compared with the one we use, never looked up by its name.
    """
    if header.get("alg") != ALGORITHM:
        raise Malformed("wrong alg")
    if typ is not None:
        found = header.get("typ")
        if not isinstance(found, str) or found.lower().removeprefix("application/") != typ:
            raise Malformed("wrong typ")
    if not FORBIDDEN_HEADERS.isdisjoint(header):
        raise Malformed("forbidden header")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise Malformed("no kid")
    return kid


def sign_input(kid: str, claims: dict[str, Any], *, typ: str = TYPE) -> bytes:
    """What `accounts` has to sign to mint a token; then `jws.compose(…, jws.der_to_raw(…))`."""
    return jws.sign_input({"alg": ALGORITHM, "typ": typ, "kid": kid}, claims)


def _claims(found: dict[str, Any], kid: str, *, issuer: str, audience: str) -> Claims:
    if found.get("iss") != issuer:
        raise Malformed("wrong iss")
    # RFC 7519 4.1.3 allows one audience or a list of them.
    heard_by = found.get("aud")
    if audience not in (heard_by if isinstance(heard_by, list) else [heard_by]):
        raise Malformed("wrong aud")
    read = _Reader(found)
    return Claims(
        sub=read.text("sub"),
        sid=read.text("sid"),
        ep=read.integer("ep"),
        iat=read.integer("iat"),
        exp=read.integer("exp"),
        kid=kid,
        jti=read.optional_text("jti") or "",
        roles=read.texts("roles"),
        perms=read.texts("perms"),
        scope=read.optional_text("scope"),
        amr=read.texts("amr"),
        aal=read.integer("aal", 1),
        auth_time=read.optional_integer("auth_time"),
        plan=read.optional_text("plan") or "user",
        act=read.optional_object("act"),
        client_id=read.optional_text("client_id"),
        org=read.optional_text("org"),
        org_role=read.optional_text("org_role"),
        org_ep=read.integer("org_ep", 0),
    )


class _Reader:
    """Claims by their types. A claim of another type makes the whole token malformed."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._found = found

    def text(self, name: str) -> str:
        value = self.optional_text(name)
        if not value:
            raise Malformed(f"no {name}")
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        value = self.optional_integer(name)
        value = default if value is None else value
        if value is None:
            raise Malformed(f"no {name}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._found.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise Malformed(f"wrong {name}")
        return tuple(value)

    def optional_text(self, name: str) -> str | None:
        return self._typed(name, str)

    def optional_integer(self, name: str) -> int | None:
        return self._typed(name, int)

    def optional_object(self, name: str) -> dict[str, Any] | None:
        return self._typed(name, dict)

    def _typed(self, name: str, kind: type[T]) -> T | None:
        value = self._found.get(name)
        # True is an int to Python and not to anyone else.
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise Malformed(f"wrong {name}")
        return value
