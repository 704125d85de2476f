"""Refresh tokens: opaque to clients, and worthless to us without a request to the table only when genuine.

`trt_` + base64url(version, user, family, counter) + `.` + base64url(MAC). A wrong MAC costs no request.
The successor of a token follows from it, so several askers get the same one.
"""

import binascii
import struct
from dataclasses import dataclass, replace

from tessera import ids
from tessera.auth import jws
from tessera.auth.mac import Mac

PREFIX = "trt_"
PURPOSE = "refresh"
MAX_CHARACTERS = 200
_LAYOUT = struct.Struct(">16s16sI")


@dataclass(frozen=True)
class RefreshToken:
    user_id: str
    family_id: str
    counter: int

    def successor(self) -> "RefreshToken":
        return replace(self, counter=self.counter + 1)

    def text(self, mac: Mac) -> str:
        message = _LAYOUT.pack(ulid_bytes(self.user_id), ulid_bytes(self.family_id), self.counter)
        signature = mac(PURPOSE).sign(message)
        return f"{PREFIX}{jws.encode(signature[:1] + message)}.{jws.encode(signature[1:])}"


def read(text: str, mac: Mac) -> RefreshToken | None:
    """The token, or None for anything we did not make."""
    if not text.startswith(PREFIX) or len(text) > MAX_CHARACTERS:
        return None
    body, _, tag = text.removeprefix(PREFIX).partition(".")
    try:
        versioned, tag_bytes = jws.decode(body), jws.decode(tag)
        user, family, counter = _LAYOUT.unpack(versioned[1:])
    except (jws.Malformed, binascii.Error, struct.error):
        return None
    if not mac(PURPOSE).verify(versioned[1:], versioned[:1] + tag_bytes):
        return None
    return RefreshToken(ulid_text(user), ulid_text(family), counter)


def ulid_bytes(ulid: str) -> bytes:
    number = 0
    for character in ulid:
        number = number << 5 | ids.ALPHABET.index(character)
    return number.to_bytes(16, "big")


def ulid_text(raw: bytes) -> str:
    return ids.at(int.from_bytes(raw[:6], "big"), raw[6:])
