"""The keys that sign access tokens. The private halves never leave KMS.

The ring of public halves lies in `authfeed`, where every function reads it. KMS rotates no asymmetric
key by itself, so a daily schedule does: see `rules.turn`.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Self, cast

from tessera import aws, clock
from tessera.auth import jws, tokens
from tessera.auth.feed import Feed
from tessera.auth.keyring import REVOKED, RING_PK, RING_SK, RingRow, SigningKey
from tessera.expressions import is_new
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, putting, transact

from .config import AccountSettings
from .rules import Key, KeyState, SigningUnavailable, replaced, turn

TAG = {"TagKey": "tessera", "TagValue": "jwks"}
HOLD_MS = 30_000
# The shortest that KMS allows.
DELETION_DAYS = 7


class RingMoved(Exception):
    """Somebody else changed the ring meanwhile; the next schedule looks again."""


class SigningKeys:
    """The ring as this process knows it, and what changes it."""

    def __init__(self, table: Table, feed: Feed, *, token_seconds: int) -> None:
        self._table, self._feed = table, feed
        self._token_life = timedelta(seconds=token_seconds)
        self._ring: RingRow | None = None
        self._read_at = 0

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(AccountSettings)
        return cls(Table(settings.authfeed), bindings.get(Feed), token_seconds=settings.access_token_seconds)

    def sign(self, claims: dict[str, Any], *, typ: str = tokens.TYPE) -> str:
        """The token of these claims, an access token unless it is of another type.

        1 request to KMS, 1 read of the ring in 30 seconds.

        Raises `SigningUnavailable`.
        """
        try:
            key = next(key for key in self.ring().keys if key.state == "active")
            signing_input = tokens.sign_input(key.kid, claims, typ=typ)
            answer = aws.client("kms").sign(
                KeyId=key.kms_id, Message=signing_input, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256"
            )
        except (aws.ClientError, aws.BotoCoreError) as error:
            raise SigningUnavailable() from error
        return jws.compose(signing_input, jws.der_to_raw(answer["Signature"]))

    def ring(self) -> RingRow:
        """The ring, made now when there is none yet."""
        if self._ring is None or not 0 <= clock.millis() - self._read_at < HOLD_MS:
            self._ring = self._table.get(RingRow, RING_PK, RING_SK) or self._first()
            self._read_at = clock.millis()
        return self._ring

    def published(self) -> tuple[list[dict[str, str]], int]:
        """The public keys, and the version of the ring."""
        ring = self.ring()
        return [key.jwk() for key in ring.keys if key.state != REVOKED], int(ring.version)

    def rotate(self) -> None:
        """The next step of the rotation, if one is due. Raises `RingMoved`."""
        ring = self._fresh()
        step = turn(_keys(ring), clock.now(), token_life=self._token_life)
        made = [self._create("next")] if step.wants_next else []
        after = [*_applied(ring, step.ring), *made]
        if made or [(key.kid, key.state) for key in after] != [(key.kid, key.state) for key in ring.keys]:
            self._replace(ring, after, made)
        for key in ring.keys:
            if key.kid in step.done:
                _forget(key.kms_id)

    def revoke_active(self) -> None:
        """The key that signs has leaked: every token it signed is refused within 15 seconds, and another signs.

        Raises `RingMoved`.
        """
        ring = self._fresh()
        leaked = [key.kid for key in ring.keys if key.state == "active"]
        has_next = any(key.state == "next" for key in ring.keys)
        made = [] if has_next else [self._create("active")]
        after = [*_applied(ring, replaced(_keys(ring), clock.now())), *made]
        self._replace(ring, after, made, *(self._feed.revoke("g", kid) for kid in leaked))

    def _fresh(self) -> RingRow:
        self._ring = None
        return self.ring()

    def _first(self) -> RingRow:
        """Two processes that start at once make one ring: the key of the one that comes second is given up."""
        made = self._create("active")
        row = RingRow(pk=RING_PK, sk=RING_SK, keys=[made])
        aws.fault_point("signing.key made")
        try:
            self._table.put(row, only_if=is_new())
        except ConditionFailed as failed:
            _forget(made.kms_id)
            won: RingRow = failed.old
            return won
        return row

    def _replace(self, ring: RingRow, keys: list[SigningKey], made: list[SigningKey], *more: Step) -> None:
        version = int(ring.version)
        row = RingRow(pk=RING_PK, sk=RING_SK, keys=keys, version=version + 1)
        unmoved = RingRow.version == version
        try:
            transact(putting(self._table, row, only_if=unmoved, refused=RingMoved()), *more)
        except RingMoved:
            for key in made:
                _forget(key.kms_id)
            raise
        self._ring, self._read_at = row, clock.millis()

    def _create(self, state: str) -> SigningKey:
        """A new key pair. 2 requests to KMS."""
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        kms = aws.client("kms")
        made = kms.create_key(
            KeySpec="ECC_NIST_P256",
            KeyUsage="SIGN_VERIFY",
            Description="Signs access tokens of Tessera",
            Tags=[TAG],
        )
        kms_id = str(made["KeyMetadata"]["KeyId"])
        public = load_der_public_key(kms.get_public_key(KeyId=kms_id)["PublicKey"])
        assert isinstance(public, EllipticCurvePublicKey)
        numbers = public.public_numbers()
        x, y = (jws.encode(number.to_bytes(jws.COORDINATE_BYTES, "big")) for number in (numbers.x, numbers.y))
        kid = jws.thumbprint({"kty": "EC", "crv": "P-256", "x": x, "y": y})
        return SigningKey(kid=kid, state=state, x=x, y=y, kms_id=kms_id, since=clock.rfc3339(clock.now()))


def _keys(ring: RingRow) -> list[Key]:
    return [Key(key.kid, cast(KeyState, key.state), clock.parse(key.since)) for key in ring.keys]


def _applied(ring: RingRow, wanted: Sequence[Key]) -> list[SigningKey]:
    """The ring's keys in the states they shall have; those that are done with are left out."""
    by_kid = {key.kid: key for key in ring.keys}
    return [_in_state(by_kid[key.kid], key) for key in wanted]


def _in_state(old: SigningKey, wanted: Key) -> SigningKey:
    since = clock.rfc3339(wanted.since)
    return SigningKey(kid=old.kid, state=wanted.state, x=old.x, y=old.y, kms_id=old.kms_id, since=since)


def _forget(kms_id: str) -> None:
    aws.client("kms").schedule_key_deletion(KeyId=kms_id, PendingWindowInDays=DELETION_DAYS)
