"""A passkey made in software: what a browser would answer `navigator.credentials.create` with, and the key it keeps."""

import base64
import hashlib
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

# The person was present and verified, and a new credential is described (WebAuthn 6.1).
FLAGS = 0x01 | 0x04 | 0x40
# CBOR around the parts whose length never changes: a key of P-256, and an attestation of nothing.
_KEY_X, _KEY_Y = bytes.fromhex("a5010203262001215820"), bytes.fromhex("225820")
_ATTESTATION = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"


class SoftwarePasskey:
    """One credential of one user."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(16)

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to these options, as `toJSON()` of a browser gives it."""
        self.rp_id, self.user_handle = options["rp"]["id"], options["user"]["id"]
        data = hashlib.sha256(self.rp_id.encode()).digest() + bytes([FLAGS]) + bytes(4) + bytes(16)
        data += len(self.credential_id).to_bytes(2, "big") + self.credential_id + self._public_key()
        made = {"type": "webauthn.create", "challenge": options["challenge"], "origin": self.origin}
        named = _text(self.credential_id)
        response = {
            "clientDataJSON": _text(json.dumps(made).encode()),
            "attestationObject": _text(_ATTESTATION + bytes([len(data)]) + data),
            "transports": ["internal"],
        }
        return {"id": named, "rawId": named, "type": "public-key", "response": response}

    def kept(self) -> dict[str, Any]:
        """As `WebAuthn.addCredential` of Chrome's DevTools protocol takes it, which then signs in with it."""
        private = self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        handle = base64.urlsafe_b64decode(self.user_handle + "=" * (-len(self.user_handle) % 4))
        return {
            "credentialId": base64.b64encode(self.credential_id).decode(),
            "isResidentCredential": True,
            "rpId": self.rp_id,
            "privateKey": base64.b64encode(private).decode(),
            "userHandle": base64.b64encode(handle).decode(),
            "signCount": 0,
        }

    def _public_key(self) -> bytes:
        point = self.key.public_key().public_numbers()
        return _KEY_X + point.x.to_bytes(32, "big") + _KEY_Y + point.y.to_bytes(32, "big")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
