"""A passkey authenticator in software, with the browser before it: what `navigator.credentials` would send, as JSON.

    device = Authenticator("https://app.test")
    credential = device.create(options["publicKey"])
    assertion = device.get(options["publicKey"])

Everything about it can be set otherwise, to show what must be refused.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
ES256, EDDSA, RS256 = -7, -8, -257
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_key(algorithm: int) -> Key:
    if algorithm == EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == RS256:
        return rsa.generate_private_key(65_537, 2_048)
    return ec.generate_private_key(ec.SECP256R1())


def cose(key: Key) -> dict[int, Any]:
    """The public half as COSE (RFC 9053)."""
    public = key.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        return {1: 1, 3: EDDSA, -1: 6, -2: public.public_bytes_raw()}
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {1: 3, 3: RS256, -1: _bytes(numbers.n), -2: _bytes(numbers.e)}
    point = public.public_numbers()
    return {1: 2, 3: ES256, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}


def signed(key: Key, message: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), SHA256())
    return key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))


@dataclass
class Authenticator:
    """One credential. `flags` are those of every answer; `count` grows with each unless `counts` is False."""

    origin: str
    algorithm: int = ES256
    flags: int = PRESENT | VERIFIED
    counts: bool = True
    count: int = 0
    aaguid: bytes = bytes(16)
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    more: dict[str, Any] = field(default_factory=dict)
    key: Key = field(init=False)
    rp_id: str = ""
    handle: str | None = None

    def __post_init__(self) -> None:
        self.key = new_key(self.algorithm)

    def create(self, options: dict[str, Any], **client_data: Any) -> dict[str, Any]:
        """What the browser's `create` gives."""
        self.rp_id, self.handle = options["rp"]["id"], options["user"]["id"]
        public = cbor2.dumps(cose(self.key))
        attested = self.aaguid + len(self.credential_id).to_bytes(2, "big") + self.credential_id + public
        data = self._data(self.flags | ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": encode(self._client_data("webauthn.create", options["challenge"], client_data)),
            "attestationObject": encode(attestation),
            "transports": ["internal"],
        }
        return self._credential(response)

    def get(self, options: dict[str, Any], **client_data: Any) -> dict[str, Any]:
        """What the browser's `get` gives."""
        if self.counts:
            self.count += 1
        data = self._data(self.flags)
        client = self._client_data("webauthn.get", options["challenge"], client_data)
        response = {
            "clientDataJSON": encode(client),
            "authenticatorData": encode(data),
            "signature": encode(signed(self.key, data + hashlib.sha256(client).digest())),
            **({"userHandle": self.handle} if self.handle else {}),
        }
        return self._credential(response)

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client_data(self, kind: str, challenge: str, more: dict[str, Any]) -> bytes:
        found = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False, **self.more, **more}
        return json.dumps(found, separators=(",", ":")).encode()

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        named = encode(self.credential_id)
        return {
            "id": named,
            "rawId": named,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
            "authenticatorAttachment": "platform",
        }


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
