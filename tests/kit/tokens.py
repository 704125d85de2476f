"""Access tokens for tests, signed by a key that is published as `accounts` publishes its own."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from tessera import clock, ids
from tessera.auth import jws, subscription_tokens, tokens
from tessera.auth.keyring import RING_PK, RING_SK, RingRow, SigningKey
from tessera.auth.subscription_tokens import Subscription
from tessera.tables import Table

ISSUER = "https://tessera.test"


class Signer:
    """A key pair that publishes itself in the ring and signs tokens."""

    def __init__(self) -> None:
        self.private: EllipticCurvePrivateKey = generate_private_key(SECP256R1())
        numbers = self.private.public_key().public_numbers()
        self.x, self.y = (jws.encode(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        self.kid = jws.thumbprint({"kty": "EC", "crv": "P-256", "x": self.x, "y": self.y})

    def entry(self, state: str = "active") -> SigningKey:
        return SigningKey(kid=self.kid, state=state, x=self.x, y=self.y, kms_id="alias/test")

    def public_key(self, kid: str) -> Any:
        return self.private.public_key() if kid == self.kid else None

    def sign(self, signing_input: bytes) -> str:
        der = self.private.sign(signing_input, ECDSA(SHA256()))
        return jws.compose(signing_input, jws.der_to_raw(der))

    def token(self, *, without: tuple[str, ...] = (), header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(clock.now().timestamp())
        all_claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": "tessera",
            "sub": "01HZX3J0V7Q8M4N5P6R7S8T9VW",
            "iat": now,
            "exp": now + 600,
            "jti": ids.new(),
            "sid": "family-1",
            "ep": 1,
            "roles": ["user"],
            "amr": ["pwd"],
            "aal": 1,
            "auth_time": now,
            "plan": "user",
            "client_id": "web",
            **claims,
        }
        kept = {name: value for name, value in all_claims.items() if name not in without}
        if header is None:
            return self.sign(tokens.sign_input(self.kid, kept))
        return self.sign(jws.sign_input({"alg": "ES256", "typ": "at+jwt", "kid": self.kid, **header}, kept))

    def subscription(self, user_id: str, topic: str, *, seconds: int = 600) -> str:
        """A token to listen to one topic with."""
        now = int(clock.now().timestamp())
        told = Subscription(user_id, topic, now + seconds)
        claims = subscription_tokens.claims_of(told, issuer=ISSUER, now=now)
        return self.sign(tokens.sign_input(self.kid, claims, typ=subscription_tokens.TYPE))


def publish(feed: Table, *keys: SigningKey) -> None:
    feed.put(RingRow(pk=RING_PK, sk=RING_SK, keys=list(keys)))
