"""The passwords that everybody tries first, as a Bloom filter: 1 false alarm in 1000, no miss.

`tools/common_passwords.py` makes the file. It is mapped, not read, so a check touches a few pages of it.
"""

import hashlib
import mmap
import struct
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HEADER = struct.Struct(">QIQ")
SHIPPED = Path(__file__).with_name("common_passwords.bin")
_LEET = str.maketrans("013457@$!|", "oieastasil")


def positions(word: str, bits: int, hashes: int) -> Iterator[int]:
    """Where a word is marked: two halves of one hash make all of them (Kirsch and Mitzenmacher 2006)."""
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    first, second = int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big") | 1
    return ((first + turn * second) % bits for turn in range(hashes))


class Filter:
    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._field = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._bits, self._hashes, self.entries = HEADER.unpack_from(self._field)

    def __contains__(self, word: str) -> bool:
        return all(
            self._field[HEADER.size + (position >> 3)] >> (position & 7) & 1
            for position in positions(word, self._bits, self._hashes)
        )


@cache
def _shipped() -> Filter:
    return Filter(SHIPPED)


def is_common(password: str) -> bool:
    """Whether the password is in the list, as it is, in lower case, or with digits and signs read as letters."""
    plain = unicodedata.normalize("NFC", password)
    lowered = plain.lower()
    return any(form in _shipped() for form in dict.fromkeys([plain, lowered, lowered.translate(_LEET)]))
