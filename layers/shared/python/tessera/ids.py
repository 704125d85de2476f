"""ULIDs: 48 bits of time and 80 bits of chance, as 26 characters that sort by time.

The alphabet and layout are those of the ULID specification (github.com/ulid/spec). Nothing is
drawn at import, so that frozen and restored containers never repeat an id.
"""

import re
import secrets

from tessera import clock

PATTERN = r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MAX_MILLIS = 2**48 - 1
RANDOM_BYTES = 10

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_UUID7 = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-7([0-9a-f]{3})-([89ab][0-9a-f]{3})-([0-9a-f]{12})", re.IGNORECASE)
_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def new() -> str:
    """A new id of this millisecond."""
    return at(clock.millis(), secrets.token_bytes(RANDOM_BYTES))


def at(millis: int, bits: bytes) -> str:
    """The ULID of this millisecond and these ten bytes. Raises `ValueError` when either is out of range."""
    if not 0 <= millis <= MAX_MILLIS:
        raise ValueError("A ULID carries 0 to 2^48 - 1 milliseconds since 1970.")
    if len(bits) != RANDOM_BYTES:
        raise ValueError("A ULID carries exactly ten bytes besides its time.")
    number = millis << 80 | int.from_bytes(bits, "big")
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def derived(millis: int, mac: bytes) -> str:
    """The ULID of this millisecond and the first 80 bits of a MAC: the same key gives the same id."""
    return at(millis, mac[:RANDOM_BYTES])


def is_ulid(text: str) -> bool:
    """Whether this is a ULID in its one accepted spelling, capitals."""
    return _ULID.fullmatch(text) is not None


def timestamp_ms(ulid: str) -> int:
    """The milliseconds a ULID carries. Raises `ValueError` for anything else."""
    if not is_ulid(ulid):
        raise ValueError("This is not a ULID.")
    number = 0
    for character in ulid[:10]:
        number = number << 5 | _VALUES[character]
    return number


def bits(ulid: str) -> bytes:
    """The ten bytes a ULID carries besides its time. Raises `ValueError` for anything else."""
    if not is_ulid(ulid):
        raise ValueError("This is not a ULID.")
    number = 0
    for character in ulid[10:]:
        number = number << 5 | _VALUES[character]
    return number.to_bytes(RANDOM_BYTES, "big")


def from_uuid7(text: str) -> tuple[int, int] | None:
    """`(milliseconds, the 74 bits of chance)` of a UUID version 7 (RFC 9562 5.7), or None for anything else."""
    match = _UUID7.fullmatch(text)
    if match is None:
        return None
    chance = int(match[3], 16) << 62 | (int(match[4], 16) & 0x3FFF) << 48 | int(match[5], 16)
    return int(match[1] + match[2], 16), chance


def key_time(key: str) -> int | None:
    """The milliseconds an idempotency key carries: UUIDv7, or ULID in either case; None when it carries none."""
    found = from_uuid7(key)
    if found:
        return found[0]
    spelled = key.upper()
    return timestamp_ms(spelled) if key.isascii() and is_ulid(spelled) else None
