"""One hash for a day of entries, as certificate logs make it (RFC 9162 2.1): leaves and nodes are told apart."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

EMPTY = hashlib.sha256(b"").digest()


def canonical(value: Mapping[str, Any]) -> bytes:
    """The one text that stands for this value."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def leaf(value: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(b"\x00" + canonical(value)).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The hash over all leaves in their order. It keeps one hash a level, so a day may have any number."""
    # Each finished subtree with the number of its leaves; equal neighbours are joined, as in a binary counter.
    done: list[tuple[int, bytes]] = []
    for one in leaves:
        size, made = 1, one
        while done and done[-1][0] == size:
            size, made = size * 2, _node(done.pop()[1], made)
        done.append((size, made))
    if not done:
        return EMPTY
    _, made = done.pop()
    while done:
        made = _node(done.pop()[1], made)
    return made


def first_difference(sealed: Sequence[tuple[str, str]], found: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """`(id, what)` of the first entry that is not as it was sealed: `missing`, `added` or `changed`; None if all are.

    Both are `(id, hash)` in the order of the day.
    """
    for (key, digest), (found_key, found_digest) in zip(sealed, found, strict=False):
        if key != found_key:
            return (found_key, "added") if found_key < key else (key, "missing")
        if digest != found_digest:
            return key, "changed"
    if len(sealed) > len(found):
        return sealed[len(found)][0], "missing"
    return (found[len(sealed)][0], "added") if len(found) > len(sealed) else None


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
