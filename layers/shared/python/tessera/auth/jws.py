"""JSON Web Signatures in compact form, ES256 only (RFC 7515, RFC 7518 3.4).

`cryptography` is imported where it is used: a function that never sees a token never loads it.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey as PublicKey

ALGORITHM = "ES256"
MAX_LENGTH = 4096
COORDINATE_BYTES = 32
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")


class Malformed(ValueError):
    """Not a signature of ours. The text says why, for the log only."""


@dataclass(frozen=True)
class Parsed:
    """A signature taken apart, nothing of it verified yet."""

    header: dict[str, Any]
    payload: bytes
    signing_input: bytes
    signature: bytes


def parse(text: str) -> Parsed:
    """Take a compact signature apart. Raises `Malformed`."""
    if len(text) > MAX_LENGTH:
        raise Malformed("too long")
    segments = text.split(".")
    if len(segments) != 3:
        raise Malformed("not three segments")
    header, payload, signature = (decode(segment) for segment in segments)
    return Parsed(read_object(header), payload, ".".join(segments[:2]).encode("ascii"), signature)


def decode(segment: str) -> bytes:
    """Strict base64url without padding: one spelling for each value. Raises `Malformed`."""
    if not _SEGMENT.fullmatch(segment) or len(segment) % 4 == 1:
        raise Malformed("not base64url")
    raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    # The unused bits of the last character must be zero, or one token would have several spellings.
    if encode(raw) != segment:
        raise Malformed("not canonical base64url")
    return raw


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def read_object(raw: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8 without repeated keys, on which parsers disagree (RFC 8725 2.4). Raises `Malformed`."""
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("not a JSON object of unique keys") from error
    if not isinstance(found, dict):
        raise Malformed("not a JSON object")
    return found


def is_signed_by(parsed: Parsed, key: "PublicKey") -> bool:
    """Whether the signature is this key's: exactly 64 bytes, R and S in range."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    if len(parsed.signature) != 2 * COORDINATE_BYTES:
        return False
    try:
        key.verify(raw_to_der(parsed.signature), parsed.signing_input, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def sign_input(header: dict[str, Any], payload: dict[str, Any]) -> bytes:
    """What has to be signed, for a signer that keeps its key to itself, such as KMS."""
    return f"{encode(_compact(header))}.{encode(_compact(payload))}".encode("ascii")


def compose(signing_input: bytes, raw_signature: bytes) -> str:
    """The compact form. The signature is R and S, 64 bytes: see `der_to_raw`."""
    if len(raw_signature) != 2 * COORDINATE_BYTES:
        raise ValueError("An ES256 signature has 64 bytes.")
    return f"{signing_input.decode('ascii')}.{encode(raw_signature)}"


def der_to_raw(der: bytes) -> bytes:
    """R and S at fixed width from the ASN.1 form that KMS answers. Raises `ValueError`."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    try:
        return b"".join(number.to_bytes(COORDINATE_BYTES, "big") for number in decode_dss_signature(der))
    except OverflowError as error:
        raise ValueError("The signature is not of the curve P-256.") from error


def raw_to_der(raw: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    return encode_dss_signature(
        int.from_bytes(raw[:COORDINATE_BYTES], "big"), int.from_bytes(raw[COORDINATE_BYTES:], "big")
    )


def public_key(jwk: dict[str, Any]) -> "PublicKey":
    """The verification key in a JWK. Raises `ValueError` for one that is not for verifying ES256."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers

    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or jwk.get("alg", ALGORITHM) != ALGORITHM:
        raise ValueError("The key is not of the curve P-256.")
    if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ["verify"]):
        raise ValueError("The key is not for signatures.")
    x, y = (int.from_bytes(decode(jwk[name]), "big") for name in ("x", "y"))
    return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()


def thumbprint(jwk: dict[str, Any]) -> str:
    """The key's id: RFC 7638, the hash of its required members in their order."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return encode(hashlib.sha256(_compact(members)).digest())


def _compact(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("A key stands twice.")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON.")
