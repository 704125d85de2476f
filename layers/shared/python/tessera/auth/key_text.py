"""How an API key is written: `tsk_live_<16 characters>_<43 characters><6 characters>`.

The first part says which key it is, the second is the secret, the last is the CRC-32 of all before it,
so that a typing error costs no request and a scanner of source code can tell a key from chance.
"""

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass
from typing import Literal

Env = Literal["live", "test"]

PREFIX = "tsk_"
PATTERN = r"tsk_(live|test)_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
# 43 characters of 62 are 256 bits.
NAME_CHARACTERS, SECRET_CHARACTERS, CHECK_CHARACTERS = 16, 43, 6
LENGTH = 75

_KEY = re.compile(
    rf"tsk_(?P<env>live|test)_(?P<name>[{ALPHABET}]{{16}})_[{ALPHABET}]{{43}}(?P<check>[{ALPHABET}]{{6}})", re.ASCII
)


@dataclass(frozen=True)
class KeyText:
    """A key as it was sent. `name` finds its item; `signed` is what the code on the item is over.

    Its representation leaves the secret out, which must not get into a log by way of a traceback.
    """

    env: Env
    name: str
    signed: bytes

    def __repr__(self) -> str:
        return f"KeyText({PREFIX}{self.env}_{self.name}_…)"


def parse(text: str) -> KeyText | None:
    """The parts of a key that is written right, else None. No request."""
    found = _KEY.fullmatch(text)
    if found is None or found["check"] != checksum(text[:-CHECK_CHARACTERS]):
        return None
    return KeyText("live" if found["env"] == "live" else "test", found["name"], text[:-CHECK_CHARACTERS].encode())


def new(env: Env, key_id: str) -> str:
    """A key with a secret nobody had before."""
    secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_CHARACTERS))
    text = f"{prefix(env, key_id)}_{secret}"
    return text + checksum(text)


def prefix(env: Env, key_id: str) -> str:
    """What may be shown of a key: everything before its secret."""
    return f"{PREFIX}{env}_{name_of(key_id)}"


def name_of(key_id: str) -> str:
    """The name of the key with this id, so that either leads to the one item."""
    number = int.from_bytes(hashlib.sha256(f"tessera key {key_id}".encode()).digest())
    return base62(number, NAME_CHARACTERS)


def checksum(text: str) -> str:
    return base62(zlib.crc32(text.encode()), CHECK_CHARACTERS)


def base62(number: int, characters: int) -> str:
    """The last digits of this number to the base 62, in the order of ASCII."""
    found = ""
    for _ in range(characters):
        number, digit = divmod(number, len(ALPHABET))
        found = ALPHABET[digit] + found
    return found
