"""The passwords that everybody tries first, by five bytes of each one's hash: no miss, 1 false alarm in 770,000 words.

`tools/common_passwords.py` makes the file. It is mapped, not read, so a check touches two pages of it.
"""

import hashlib
import mmap
import struct
import unicodedata
from functools import cache
from pathlib import Path

SHIPPED = Path(__file__).with_name("common_passwords.prints")
# Prints are sorted, and lie together by their first two bytes: where each of these buckets begins, and behind the last
# of them the end, stands at the head of the file. What follows are the other three bytes of each print.
BUCKETS, REST_BYTES = 65_536, 3
INDEX = struct.Struct(f">{BUCKETS + 1}I")
_BOUNDS = struct.Struct(">II")
_LEET = str.maketrans("013457@$!|", "oieastasil")


def fingerprint(word: str) -> bytes:
    return hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=2 + REST_BYTES).digest()


class Fingerprints:
    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._field = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return (len(self._field) - INDEX.size) // REST_BYTES

    def __contains__(self, word: str) -> bool:
        whole = fingerprint(word)
        bucket, rest = int.from_bytes(whole[:2], "big"), whole[2:]
        begins, ends = (INDEX.size + place * REST_BYTES for place in _BOUNDS.unpack_from(self._field, bucket * 4))
        return any(self._field[at : at + REST_BYTES] == rest for at in range(begins, ends, REST_BYTES))


@cache
def _shipped() -> Fingerprints:
    return Fingerprints(SHIPPED)


def is_common(password: str) -> bool:
    """Whether the password is in the list, as it is, in lower case, or with digits and signs read as letters."""
    plain = unicodedata.normalize("NFC", password)
    lowered = plain.lower()
    return any(form in _shipped() for form in dict.fromkeys([plain, lowered, lowered.translate(_LEET)]))
