"""Tokens by which we prove to a provider who we are, where a shared secret is not enough."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tessera import clock, ids
from tessera.auth import jws

from .rules.problems import ProviderError
from .rules.providers import Provider

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

# Apple takes six months at most; made anew for each request, five minutes are enough.
LIFE_SECONDS = 300
APPLE_AUDIENCE = "https://appleid.apple.com"


def apple_secret(provider: Provider, pem: str) -> str:
    """What Apple takes for a client secret. Raises `ProviderError` for a key that is none."""
    now = clock.millis() // 1000
    claims = {
        "iss": provider.team_id,
        "iat": now,
        "exp": now + LIFE_SECONDS,
        "aud": APPLE_AUDIENCE,
        "sub": provider.client_id,
    }
    return _signed(pem, str(provider.key_id), claims)


def client_assertion(provider: Provider, pem: str, audience: str) -> str:
    """Authentication of RFC 7523 2.2. Raises `ProviderError` for a key that is none."""
    now = clock.millis() // 1000
    claims = {
        "iss": provider.client_id,
        "sub": provider.client_id,
        "aud": audience,
        "jti": ids.new(),
        "iat": now,
        "exp": now + LIFE_SECONDS,
    }
    return _signed(pem, str(provider.key_id), claims)


def is_key(pem: str) -> bool:
    """Whether this is a private key of the curve that ES256 signs with."""
    try:
        _key(pem)
    except ProviderError:
        return False
    return True


def _signed(pem: str, kid: str, claims: Mapping[str, object]) -> str:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    message = jws.sign_input({"alg": jws.ALGORITHM, "kid": kid, "typ": "JWT"}, dict(claims))
    return jws.compose(message, jws.der_to_raw(_key(pem).sign(message, ECDSA(SHA256()))))


def _key(pem: str) -> "EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey as PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        raise ProviderError("The provider's key cannot be read. It has to be set again.") from None
    if not isinstance(found, PrivateKey) or not isinstance(found.curve, SECP256R1):
        raise ProviderError("The provider's key is not of the curve P-256.")
    return found
