"""Keys of a stand-in and the tokens they sign: written apart from what verifies them, on purpose."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

Json = Mapping[str, Any]


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value: int, size: int = 0) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


class Key:
    """A key pair for one algorithm: ES256, RS256, PS256 or EdDSA."""

    def __init__(self, alg: str, kid: str = "", *, bits: int = 2048) -> None:
        self.alg, self.kid = alg, kid or f"{alg.lower()}-1"
        self.private: Any
        if alg == "ES256":
            self.private = ec.generate_private_key(ec.SECP256R1())
        elif alg == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = rsa.generate_private_key(65_537, bits)

    def jwk(self) -> dict[str, str]:
        common = {"use": "sig", "alg": self.alg, "kid": self.kid}
        public = self.private.public_key()
        if self.alg == "ES256":
            numbers = public.public_numbers()
            return {**common, "kty": "EC", "crv": "P-256", "x": number(numbers.x, 32), "y": number(numbers.y, 32)}
        if self.alg == "EdDSA":
            return {**common, "kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw())}
        numbers = public.public_numbers()
        return {**common, "kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}

    def token(self, claims: Json, **header: Any) -> str:
        """A compact JWS. A header member that is None is left out."""
        made = {"alg": self.alg, "kid": self.kid, "typ": "JWT", **header}
        head = {name: value for name, value in made.items() if value is not None}
        signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
        return f"{signed}.{b64(self.sign(signed.encode()))}"

    def sign(self, message: bytes) -> bytes:
        if self.alg == "ES256":
            r, s = utils.decode_dss_signature(self.private.sign(message, ec.ECDSA(SHA256())))
            return bytes(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        if self.alg == "EdDSA":
            return bytes(self.private.sign(message))
        if self.alg == "PS256":
            return bytes(self.private.sign(message, padding.PSS(padding.MGF1(SHA256()), 32), SHA256()))
        return bytes(self.private.sign(message, padding.PKCS1v15(), SHA256()))


def read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token, nothing verified. Raises `ValueError`."""
    head, claims, _ = token.split(".")
    return json.loads(unb64(head)), json.loads(unb64(claims))


def is_signed(token: str, public: Any) -> bool:
    """Whether an ES256 token is signed with this public key."""
    signed, _, signature = token.rpartition(".")
    raw = unb64(signature)
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        public.verify(der, signed.encode(), ec.ECDSA(SHA256()))
    except Exception:  # noqa: BLE001
        return False
    return True


def half_hash(text: str, alg: str) -> str:
    """`at_hash` of an access token (OpenID Connect Core 3.1.3.6)."""
    digest = (hashlib.sha512 if alg == "EdDSA" else hashlib.sha256)(text.encode()).digest()
    return b64(digest[: len(digest) // 2])


def s256(verifier: str) -> str:
    return b64(hashlib.sha256(verifier.encode()).digest())
