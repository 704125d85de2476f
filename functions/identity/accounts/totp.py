"""Time-based one-time passwords (RFC 6238 on RFC 4226): SHA-1, 6 digits, 30 seconds, which is what every app reads."""

import base64
import hmac
import secrets
from urllib.parse import quote, urlencode

DIGITS = 6
PERIOD_SECONDS = 30
# RFC 6238 5.2 recommends to accept one step of delay; a clock may also be that much ahead.
WINDOW = (-1, 0, 1)
# RFC 4226 4 recommends 160 bits, the length of the hash.
SECRET_BYTES = 20


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def step_at(millis: int) -> int:
    return millis // 1000 // PERIOD_SECONDS


def code_at(secret: bytes, step: int, *, digits: int = DIGITS, algorithm: str = "sha1") -> str:
    """The code of one step (RFC 4226 5.3)."""
    tag = hmac.digest(secret, step.to_bytes(8, "big"), algorithm)
    offset = tag[-1] & 0x0F
    number = int.from_bytes(tag[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def matching_step(secret: bytes, code: str, millis: int) -> int | None:
    """The newest step around this moment that has this code, or None. It always compares with all three."""
    now, found = step_at(millis), None
    for step in (now + shift for shift in WINDOW):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode("utf-8", "replace")):
            found = step
    return found


def text_of(secret: bytes) -> str:
    """As people type it: base32 without padding."""
    return base64.b32encode(secret).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))


def uri_of(secret: bytes, *, issuer: str, account: str) -> str:
    """What an authenticator app reads from the QR code (the Key URI format)."""
    label = quote(f"{issuer}:{account}", safe="@")
    fields = {
        "secret": text_of(secret),
        "issuer": issuer,
        "algorithm": "SHA1",
        "digits": DIGITS,
        "period": PERIOD_SECONDS,
    }
    return f"otpauth://totp/{label}?{urlencode(fields, quote_via=quote)}"
