"""Codes, links and device tokens: made here, kept only as MACs."""

import hmac
import secrets

from tessera import clock, ids
from tessera.auth import jws
from tessera.auth.mac import Mac

from .refresh_tokens import ulid_bytes, ulid_text
from .rules import DEVICE_LIFE

CODE_DIGITS = 6
SECRET_BYTES = 32
_ID_BYTES = 16
DEVICE_PREFIX = "tdv_"
MAX_DEVICE_CHARACTERS = 120


def new_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def new_link_token(subject: str) -> str:
    """The subject's ULID and 256 bits of chance."""
    return jws.encode(ulid_bytes(subject) + secrets.token_bytes(SECRET_BYTES))


def subject_of(token: str) -> str | None:
    """The ULID in a link token, or None for anything else. It proves nothing yet."""
    try:
        raw = jws.decode(token)
        return ulid_text(raw[:_ID_BYTES]) if len(raw) == _ID_BYTES + SECRET_BYTES else None
    except ValueError:
        return None


def is_same(found: str | None, expected: str) -> bool:
    return hmac.compare_digest((found or "").encode(), expected.encode())


def new_device(mac: Mac, email_key: str) -> tuple[str, str]:
    """`(device id, its token)`: good for this address only, so that it opens no other account's bucket."""
    device_id = ids.new()
    return device_id, device_token(mac, email_key, device_id)


def device_token(mac: Mac, email_key: str, device_id: str) -> str:
    tag = mac("device").sign(f"{email_key}\n{device_id}".encode())
    return f"{DEVICE_PREFIX}{device_id}{jws.encode(tag)}"


def known_device(mac: Mac, email_key: str, token: str) -> str | None:
    """The id of the device that presents this token, or None when it is not one of this address."""
    if len(token) > MAX_DEVICE_CHARACTERS or not token.startswith(DEVICE_PREFIX):
        return None
    device_id, tag = token[len(DEVICE_PREFIX) :][:26], token[len(DEVICE_PREFIX) + 26 :]
    try:
        good = ids.is_ulid(device_id) and mac("device").verify(f"{email_key}\n{device_id}".encode(), jws.decode(tag))
    except ValueError:
        return None
    age_ms = clock.millis() - ids.timestamp_ms(device_id) if good else 0
    return device_id if good and age_ms < DEVICE_LIFE.total_seconds() * 1000 else None
