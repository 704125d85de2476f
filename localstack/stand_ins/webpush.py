"""A browser and its push service in one: it subscribes, is pushed to, and decrypts (RFC 8030, 8188, 8291, 8292).

`inbox` holds what was said. Faults: `push` is a status.
"""

import secrets
import struct
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from localstack.stand_ins import signing
from localstack.stand_ins.wire import Answer, Asked, StandIn, broken


class WebPush(StandIn):
    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._now = now
        self.inbox: list[dict[str, Any]] = []
        self._browsers: dict[str, tuple[ec.EllipticCurvePrivateKey, bytes]] = {}

    def subscribe(self) -> dict[str, Any]:
        """What `PushSubscription.toJSON()` would give."""
        key, auth, name = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(16), secrets.token_hex(12)
        self._browsers[name] = key, auth
        keys = {"p256dh": signing.b64(_point(key)), "auth": signing.b64(auth)}
        return {"endpoint": f"{self.base}/push/{name}", "expirationTime": None, "keys": keys}

    def unsubscribe(self, subscription: dict[str, Any]) -> None:
        self._browsers.pop(str(subscription["endpoint"]).rpartition("/")[2])

    def say(self, asked: Asked) -> Answer:
        spoiled = broken(str(self.fault("push") or ""))
        if spoiled:
            return spoiled
        name = asked.path.removeprefix("/push/")
        if asked.method != "POST" or name not in self._browsers:
            return Answer(410)
        if not asked.headers.get("ttl", "").isdecimal() or asked.headers.get("content-encoding") != "aes128gcm":
            return Answer(400)
        if not self._knows(asked.headers.get("authorization", "")):
            return Answer(403)
        if len(asked.body) > 4_096:
            return Answer(413)
        kept = {name: asked.headers.get(name, "") for name in ("ttl", "urgency", "topic")}
        self.inbox.append({"text": self.decrypted(name, asked.body).decode(), **kept})
        return Answer(201, {"location": f"{self.base}/message/{secrets.token_hex(8)}"})

    def control(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("POST", "/control/subscriptions"):
            return Answer.json(self.subscribe(), 201)
        if (asked.method, asked.path) == ("GET", "/control/inbox"):
            return Answer.json(self.inbox[-100:])
        return super().control(asked)

    def decrypted(self, name: str, body: bytes) -> bytes:
        """The text of one record. Raises what `cryptography` raises for what is not for this browser."""
        key, auth = self._browsers[name]
        salt, (_, length) = body[:16], struct.unpack("!IB", body[16:21])
        theirs, sealed = body[21 : 21 + length], body[21 + length :]
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
        info = b"WebPush: info\0" + _point(key) + theirs
        material = _derived(key.exchange(ec.ECDH(), point), auth, info, 32)
        content_key = _derived(material, salt, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _derived(material, salt, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(content_key).decrypt(nonce, sealed, None).rstrip(b"\0")
        if plain[-1:] != b"\x02":
            raise ValueError("The last record ends with a 2.")
        return plain[:-1]

    def _knows(self, authorization: str) -> bool:
        kind, _, rest = authorization.partition(" ")
        given = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        try:
            header, claims = signing.read(given.get("t", ""))
            public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), signing.unb64(given.get("k", "")))
        except ValueError:
            return False
        parts = urlsplit(self.base)
        return bool(
            kind == "vapid"
            and header.get("alg") == "ES256"
            and claims.get("aud") == f"{parts.scheme}://{parts.netloc}"
            and 0 < claims.get("exp", 0) - self._now() <= 86_400
            and str(claims.get("sub", "")).startswith(("mailto:", "https:"))
            and signing.is_signed(given["t"], public)
        )


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)
