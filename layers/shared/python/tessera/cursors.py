"""Signed cursors: where a list goes on, opaque to the client and of no use anywhere else.

    Problem
    └── InvalidCursor   400 bad-cursor   not ours, altered, or of another list

The text is base64url of: version (1 byte), HMAC-SHA256 cut to 16 bytes, state as JSON, which is packed where it
would be too long: an index holds a name twice, in any script.
"""

import base64
import binascii
import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping
from typing import Any

from tessera.problems import Problem

MAX_CHARACTERS = 1024

_PLAIN, _PACKED = b"\x01", b"\x02"
_MAC_BYTES = 16


class InvalidCursor(Problem):
    status, slug, title = 400, "bad-cursor", "This cursor does not belong here"

    def __init__(self) -> None:
        # One answer for every cause, so that nobody can learn a valid cursor step by step.
        super().__init__(
            "A cursor is good only as it came, for the same caller, list and filters. Start the list again without one."
        )


def scope_of(owner: str, route: str, filters: Mapping[str, object] | None = None) -> str:
    """The scope of a list: whose it is, which route shows it, and every filter and order that shapes it."""
    return json.dumps([owner, route, dict(filters or {})], sort_keys=True, separators=(",", ":"), default=str)


def _mac(key: bytes, scope: str, version: bytes, payload: bytes) -> bytes:
    bound = hashlib.sha256(scope.encode("utf-8", "surrogatepass")).digest()
    return hmac.digest(key, b"tessera.cursor" + version + bound + payload, "sha256")[:_MAC_BYTES]


def encode(key: bytes, state: Mapping[str, Any], *, scope: str) -> str:
    """The cursor of this state. Raises `ValueError` when it would be over 1 KB, which is a defect of the caller."""
    plain = json.dumps(dict(state), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    payload = plain.encode("utf-8", "surrogatepass")
    text = _signed(key, scope, _PLAIN, payload)
    if len(text) > MAX_CHARACTERS:
        text = _signed(key, scope, _PACKED, zlib.compress(payload, 9))
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"A cursor has at most {MAX_CHARACTERS} characters; this state makes {len(text)}.")
    return text


def _signed(key: bytes, scope: str, version: bytes, payload: bytes) -> str:
    return base64.urlsafe_b64encode(version + _mac(key, scope, version, payload) + payload).rstrip(b"=").decode()


def decode(key: bytes, text: str, *, scope: str) -> dict[str, Any]:
    """The state that `encode` was given with this key and scope. Raises `InvalidCursor` for anything else."""
    raw = _bytes_of(text)
    version, given, payload = raw[:1], raw[1 : 1 + _MAC_BYTES], raw[1 + _MAC_BYTES :]
    if version not in (_PLAIN, _PACKED) or not hmac.compare_digest(given, _mac(key, scope, version, payload)):
        raise InvalidCursor
    # What is signed is ours, so that it unpacks to no more than was packed.
    state: dict[str, Any] = json.loads(zlib.decompress(payload) if version == _PACKED else payload)
    return state


def _bytes_of(text: str) -> bytes:
    if not text or len(text) > MAX_CHARACTERS:
        raise InvalidCursor
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidCursor from None
    # The unused bits of the last character could be anything: only one spelling is ours.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != text:
        raise InvalidCursor
    return raw
