"""Tokens that a provider signs, verified as OpenID Connect Core 3.1.3.7 and RFC 8725 ask.

The algorithm is one of four that are known here, chosen by the configuration and never by the token alone,
and a key serves only the algorithm it was made for.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tessera.auth import jws
from tessera.auth.jws import Malformed, Parsed

# Providers put groups and more into their tokens, so these may be larger than ours.
MAX_CHARACTERS = 16_384
MIN_RSA_BITS = 2_048
MAX_RSA_BITS = 8_192
# A header that brings its own key, or asks for rules that are not known here, is refused whatever it says.
FORBIDDEN = frozenset(["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip"])
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
MAX_SUBJECT = 255
# Far beyond any time that means one; a provider may write a number of any length.
LATEST = 10**12
_TYPES = {"RS256": ("RSA", None), "PS256": ("RSA", None), "ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519")}

Jwk = Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    """What a token must say. `access_token` is the one it came with, which `at_hash` binds."""

    client_id: str
    nonce: str
    now: float
    skew_seconds: int = 60
    access_token: str = ""


def parse(token: str, algs: Sequence[str], *, types: Sequence[str] = ("jwt",)) -> Parsed:
    """The token taken apart, its header judged, nothing verified yet. Raises `Malformed`."""
    if len(token) > MAX_CHARACTERS:
        raise Malformed("too long")
    segments = token.split(".")
    if len(segments) != 3:
        raise Malformed("not three segments")
    header, payload, signature = (jws.decode(segment) for segment in segments)
    made = Parsed(jws.read_object(header), payload, ".".join(segments[:2]).encode("ascii"), signature)
    alg, typ = made.header.get("alg"), made.header.get("typ")
    if not isinstance(alg, str) or alg not in algs or alg not in _TYPES:
        raise Malformed("wrong alg")
    if typ is not None and (not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types):
        raise Malformed("wrong typ")
    if not FORBIDDEN.isdisjoint(made.header):
        raise Malformed("forbidden header")
    if not isinstance(made.header.get("kid", ""), str):
        raise Malformed("wrong kid")
    return made


def kid_of(parsed: Parsed) -> str | None:
    found: str | None = parsed.header.get("kid")
    return found


def key_for(parsed: Parsed, keys: Sequence[Jwk]) -> Jwk | None:
    """The one key that may have signed this, or None: not when it is unknown, nor when two could be meant."""
    alg, kid = str(parsed.header["alg"]), kid_of(parsed)
    fitting = [jwk for jwk in keys if is_for(jwk, alg) and (kid is None or jwk.get("kid") == kid)]
    return fitting[0] if len(fitting) == 1 else None


def is_for(jwk: Jwk, alg: str) -> bool:
    """Whether this key verifies signatures of this algorithm (RFC 8725 3.1)."""
    kty, crv = _TYPES[alg]
    return (
        jwk.get("kty") == kty
        and (crv is None or jwk.get("crv") == crv)
        and jwk.get("alg", alg) == alg
        and jwk.get("use", "sig") == "sig"
        and "verify" in _operations(jwk)
    )


def is_signed_by(parsed: Parsed, jwk: Jwk) -> bool:
    """Whether the signature is this key's. Raises `Malformed` for a key that is none."""
    alg = str(parsed.header["alg"])
    try:
        if alg == "ES256":
            return jws.is_signed_by(parsed, jws.public_key(dict(jwk)))
        return _is_ed25519(parsed, jwk) if alg == "EdDSA" else _is_rsa(parsed, jwk, alg)
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed("the key is no key") from error


def claims_of(parsed: Parsed, issuer: str | None, expected: Expected) -> dict[str, Any]:
    """The claims of an id token whose signature is good. Raises `Malformed`."""
    claims = jws.read_object(parsed.payload)
    _check_common(claims, issuer, expected)
    _subject(claims)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):
        raise Malformed("wrong nonce")
    if "at_hash" in claims and claims["at_hash"] != half_hash(expected.access_token, str(parsed.header["alg"])):
        raise Malformed("wrong at_hash")
    return claims


def logout_claims_of(parsed: Parsed, issuer: str | None, expected: Expected) -> dict[str, Any]:
    """The claims of a logout token (OpenID Connect Back-Channel Logout 2.6). Raises `Malformed`."""
    claims = jws.read_object(parsed.payload)
    _check_common(claims, issuer, expected)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise Malformed("not a logout")
    # An id token must never pass for one.
    if "nonce" in claims:
        raise Malformed("a nonce in a logout")
    if "sub" not in claims and "sid" not in claims:
        raise Malformed("nobody named")
    for name in ("sub", "sid", "jti"):
        if name in claims and (not isinstance(claims[name], str) or not 0 < len(claims[name]) <= MAX_SUBJECT):
            raise Malformed(f"wrong {name}")
    if "jti" not in claims:
        raise Malformed("no jti")
    return claims


def half_hash(text: str, alg: str) -> str:
    """The left half of the hash that belongs to the algorithm (OpenID Connect Core 3.1.3.6)."""
    digest = (hashlib.sha512 if alg == "EdDSA" else hashlib.sha256)(text.encode()).digest()
    return jws.encode(digest[: len(digest) // 2])


def _check_common(claims: Mapping[str, Any], issuer: str | None, expected: Expected) -> None:
    if issuer is None or claims.get("iss") != issuer:
        raise Malformed("wrong iss")
    heard_by = claims.get("aud")
    audiences = heard_by if isinstance(heard_by, list) else [heard_by]
    if expected.client_id not in audiences or not all(isinstance(one, str) for one in audiences):
        raise Malformed("wrong aud")
    # A token for several must say for whom it was made, and that must be us.
    if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != expected.client_id:
        raise Malformed("wrong azp")
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    if expected.now >= expires + expected.skew_seconds:
        raise Malformed("expired")
    if issued > expected.now + expected.skew_seconds:
        raise Malformed("issued in the future")
    if "nbf" in claims and _time(claims, "nbf") > expected.now + expected.skew_seconds:
        raise Malformed("not yet valid")


def _operations(jwk: Jwk) -> list[Any]:
    named = jwk.get("key_ops", ["verify"])
    return named if isinstance(named, list) else []


def _subject(claims: Mapping[str, Any]) -> None:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not subject.isascii():
        raise Malformed("wrong sub")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # True is a number to Python and to nobody else.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LATEST:
        raise Malformed(f"wrong {name}")
    return float(value)


def _is_rsa(parsed: Parsed, jwk: Jwk, alg: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.hashes import SHA256

    modulus = int.from_bytes(jws.decode(jwk["n"]), "big")
    exponent = int.from_bytes(jws.decode(jwk["e"]), "big")
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS or not 3 <= exponent < 2**32 or exponent % 2 == 0:
        raise Malformed("the key is too weak")
    # RFC 7518 3.5: the salt of PS256 is as long as its hash, and no other length will do.
    pss = padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size)
    try:
        RSAPublicNumbers(exponent, modulus).public_key().verify(
            parsed.signature, parsed.signing_input, pss if alg == "PS256" else padding.PKCS1v15(), SHA256()
        )
    except InvalidSignature:
        return False
    return True


def _is_ed25519(parsed: Parsed, jwk: Jwk) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(jws.decode(jwk["x"])).verify(parsed.signature, parsed.signing_input)
    except InvalidSignature:
        return False
    return True
