"""The public keys that access tokens are signed with, as `accounts` publishes them in `authfeed`.

Each key is `next` (published a day before it signs), `active`, `retiring` (published until its last
token has expired) or `revoked`.
"""

import threading
from typing import TYPE_CHECKING, Self

from pynamodb.attributes import ListAttribute, MapAttribute, UnicodeAttribute

from tessera import aws, clock
from tessera.auth import jws
from tessera.auth.feed import LIVES_ON_SECONDS
from tessera.auth.settings import AuthSettings
from tessera.problems import Unavailable
from tessera.settings import Bindings
from tessera.tables import Row, Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey as PublicKey

RING_PK, RING_SK = "JWKS", "RING"
REVOKED = "revoked"
RELOAD_MS = 30_000
# Before the first sign-in there is no ring at all, and the first token must not wait half a minute.
RELOAD_EMPTY_MS = 1_000
# Every entry of the revocation feed lives longer: a key that leaked is out of this ring before its entry is.
GOOD_FOR_MS = LIVES_ON_SECONDS * 1000


class SigningKey(MapAttribute[str, str]):
    """One key of the ring: its id, state, public coordinates, and the KMS key that signs."""

    kid = UnicodeAttribute()
    state = UnicodeAttribute()
    x = UnicodeAttribute()
    y = UnicodeAttribute()
    kms_id = UnicodeAttribute()
    since = UnicodeAttribute(null=True)

    if TYPE_CHECKING:

        def __init__(self, **values: str) -> None: ...

    def jwk(self) -> dict[str, str]:
        """The key as it is published (RFC 7517)."""
        return {
            "kty": "EC",
            "crv": "P-256",
            "alg": jws.ALGORITHM,
            "use": "sig",
            "kid": self.kid,
            "x": self.x,
            "y": self.y,
        }


class RingRow(Row):
    keys = ListAttribute(of=SigningKey)


class KeyRing:
    """The verification keys of this process, read again every five minutes and when a token names an unknown one."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._lock = threading.Lock()
        self._keys: dict[str, PublicKey] = {}
        self._loaded_at, self._hold_ms = 0, 0

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AuthSettings).authfeed))

    def public_key(self, kid: str) -> "PublicKey | None":
        """The key, or None when it is unknown or revoked. At most 1 request in 30 seconds.

        Raises `Unavailable` when the ring cannot be read.
        """
        found = self._keys.get(kid)
        if found is not None and self._is_younger_than(GOOD_FOR_MS):
            return found
        with self._lock:
            if not self._is_younger_than(GOOD_FOR_MS if kid in self._keys else self._hold_ms):
                self._load()
            return self._keys.get(kid)

    def _is_younger_than(self, age_ms: int) -> bool:
        # The clock of the day, because that of the process may stand still while it is frozen.
        return 0 <= clock.millis() - self._loaded_at < age_ms

    def _load(self) -> None:
        try:
            ring = self._table.get(RingRow, RING_PK, RING_SK)
        except (aws.ClientError, aws.BotoCoreError) as error:
            raise Unavailable("The signing keys cannot be read right now.") from error
        published = [key for key in ring.keys if key.state != REVOKED] if ring else []
        self._keys = {key.kid: jws.public_key(key.jwk()) for key in published}
        self._loaded_at, self._hold_ms = clock.millis(), RELOAD_MS if published else RELOAD_EMPTY_MS
