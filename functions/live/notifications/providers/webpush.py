"""Browsers by Web Push: RFC 8030 for the request, RFC 8291 and RFC 8188 for its body, RFC 8292 for who we are."""

import json
import os
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tessera import clock
from tessera.auth import jws
from tessera.auth.mac import hkdf

from .credentials import Credentials
from .outcomes import Gone, Message, Refused, Target
from .wire import Wire, judged

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

RECORD_BYTES = 4_096
# Padded up to the next of these, so that the length tells less.
PADDED_TO = 256
MAX_PLAIN = 3_800
TOKEN_SECONDS = 12 * 3_600
MAX_TOPIC = 32
SALT_BYTES, AUTH_BYTES, POINT_BYTES = 16, 16, 65
# The order of the group of P-256.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class WebPush:
    def __init__(self, wire: Wire, credentials: Credentials, contact: str) -> None:
        self._wire, self._credentials, self._contact = wire, credentials, contact

    @property
    def public_key(self) -> str:
        """What a browser subscribes with."""
        return jws.encode(point_of(self._key()))

    def send(self, message: Message, target: Target) -> str:
        key = self._key()
        token = vapid_token(key, target.address, self._contact, clock.millis() // 1000)
        body = encrypted(plain_of(message), jws.decode(target.keys["p256dh"]), jws.decode(target.keys["auth"]))
        headers = {
            "authorization": f"vapid t={token}, k={jws.encode(point_of(key))}",
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(message.ttl_seconds),
            "urgency": "high" if message.is_urgent else "normal",
        }
        if message.collapse:
            headers["topic"] = message.collapse[:MAX_TOPIC]
        found = self._wire.post(target.address, body, headers, purpose="webpush")
        if found.status in (404, 410):
            raise Gone("subscription-gone")
        if found.ok:
            return found.headers.get("location", "")
        raise judged(found, f"webpush-{found.status}")

    def _key(self) -> "EllipticCurvePrivateKey":
        """The key browsers know us by: as a person has set it, or made of the stack's own secret."""
        from cryptography.hazmat.primitives.asymmetric import ec

        known = self._credentials.of("vapid")
        if known is not None:
            number = int.from_bytes(jws.decode(str(known["private_key"])), "big")
        else:
            number = int.from_bytes(self._credentials.vapid_seed(), "big") % (_ORDER - 1) + 1
        return ec.derive_private_key(number, ec.SECP256R1())


def check_keys(p256dh: str, auth: str) -> None:
    """Whether these are a browser's keys. Raises `ValueError`."""
    from cryptography.hazmat.primitives.asymmetric import ec

    if len(jws.decode(auth)) != AUTH_BYTES:
        raise ValueError("auth has 16 bytes")
    point = jws.decode(p256dh)
    if len(point) != POINT_BYTES:
        raise ValueError("p256dh is an uncompressed point")
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def plain_of(message: Message) -> bytes:
    """What the service worker reads. A body that is too long is cut, for the push would be refused whole."""
    words, body = message.words, message.words.body
    while True:
        said: dict[str, Any] = {
            "id": message.id,
            "type": message.type,
            "title": words.title,
            "body": body,
            "link": words.link,
            "count": message.count,
        }
        text = json.dumps(said, ensure_ascii=False).encode()
        if len(text) <= MAX_PLAIN or not body:
            return text[:MAX_PLAIN]
        body = body[: len(body) // 2]


def encrypted(
    plain: bytes,
    their_point: bytes,
    secret: bytes,
    *,
    random: Callable[[int], bytes] = os.urandom,
    ours: "EllipticCurvePrivateKey | None" = None,
) -> bytes:
    """One record of `aes128gcm`, for who holds the key of this point. Raises `Refused` for a point that is none."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), their_point)
    except ValueError:
        raise Refused("subscription-key") from None
    mine = ours or ec.generate_private_key(ec.SECP256R1())
    my_point, salt = point_of(mine), random(SALT_BYTES)
    material = hkdf(mine.exchange(ec.ECDH(), theirs), info=b"WebPush: info\0" + their_point + my_point, salt=secret)
    key = hkdf(material, info=b"Content-Encoding: aes128gcm\0", salt=salt)[:16]
    nonce = hkdf(material, info=b"Content-Encoding: nonce\0", salt=salt)[:12]
    # The 2 says that no record follows; zeros after it are padding.
    padded = plain + b"\x02" + b"\0" * (-(len(plain) + 1) % PADDED_TO if ours is None else 0)
    header = salt + struct.pack("!IB", RECORD_BYTES, len(my_point)) + my_point
    return header + AESGCM(key).encrypt(nonce, padded, None)


def vapid_token(key: "EllipticCurvePrivateKey", endpoint: str, contact: str, now: int) -> str:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": now + TOKEN_SECONDS, "sub": contact}
    signed = jws.sign_input({"typ": "JWT", "alg": "ES256"}, claims)
    return jws.compose(signed, jws.der_to_raw(key.sign(signed, ECDSA(SHA256()))))


def point_of(key: "EllipticCurvePrivateKey") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
