"""WebM and Matroska: elements of EBML (RFC 8794, RFC 9559), of which a few are read."""

import math
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from ..rules.codes import Code, Refused

_MAX_ELEMENTS = 10_000
_SEGMENT, _INFO, _TRACKS, _TRACK, _VIDEO = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0
_SCALE, _DURATION, _CODEC, _WIDTH, _HEIGHT, _CLUSTER = 0x2AD7B1, 0x4489, 0x86, 0xB0, 0xBA, 0x1F43B675
_NESTED = frozenset([_SEGMENT, _INFO, _TRACKS, _TRACK, _VIDEO])
_WANTED = frozenset([_SCALE, _DURATION, _CODEC, _WIDTH, _HEIGHT])
_READ = 256


def webm_facts(file: BinaryIO) -> dict[str, Any]:
    """Duration, tracks and the size of the picture. Raises `Refused`."""
    file.seek(0, 2)
    end = file.tell()
    values: dict[int, list[bytes]] = {}
    for kind, body in _elements(file, 0, end, [_MAX_ELEMENTS]):
        values.setdefault(kind, []).append(body)
    if _CODEC not in values:
        raise Refused(Code.CORRUPT)
    facts: dict[str, Any] = {"container": "webm", "codecs": _codecs(values[_CODEC])}
    scale = _number(values[_SCALE][0]) if _SCALE in values else 1_000_000
    length = _real(values[_DURATION][0]) if _DURATION in values else None
    if length is not None:
        facts["duration_seconds"] = round(length * scale / 1e9, 3)
    if _WIDTH in values and _HEIGHT in values:
        facts |= {"w": _number(values[_WIDTH][0]), "h": _number(values[_HEIGHT][0])}
    return facts


def _elements(file: BinaryIO, start: int, end: int, left: list[int]) -> Iterator[tuple[int, bytes]]:
    """The wanted elements in order, up to the first cluster: what follows is sound and pictures."""
    while start < end:
        left[0] -= 1
        if left[0] < 0:
            raise Refused(Code.CORRUPT)
        file.seek(start)
        kind, kind_length = _vint(file, keep_mark=True)
        size, size_length = _vint(file, keep_mark=False)
        body = start + kind_length + size_length
        is_open = size == (1 << (7 * size_length)) - 1
        after = end if is_open else body + size
        if kind == _CLUSTER:
            return
        if after > end:
            raise Refused(Code.CORRUPT)
        if kind in _NESTED:
            yield from _elements(file, body, after, left)
        elif kind in _WANTED:
            file.seek(body)
            yield kind, file.read(min(_READ, size))
        start = after


def _vint(file: BinaryIO, *, keep_mark: bool) -> tuple[int, int]:
    """A number whose first byte says how long it is, and that length."""
    first = file.read(1)
    if not first or not first[0]:
        raise Refused(Code.CORRUPT)
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    if len(rest) < length - 1 or (keep_mark and length > 4):
        raise Refused(Code.CORRUPT)
    head = first[0] if keep_mark else first[0] % (1 << (8 - length))
    return int.from_bytes(bytes([head]) + rest), length


def _codecs(found: list[bytes]) -> list[str]:
    """`V_VP9` as `vp9`."""
    texts = ["".join(chr(byte) for byte in name if 32 < byte < 127) for name in found]
    return list(dict.fromkeys(text.partition("_")[2].partition("/")[0].lower() or text.lower() for text in texts))[:10]


def _number(body: bytes) -> int:
    return int.from_bytes(body[:8])


def _real(body: bytes) -> float | None:
    if len(body) not in (4, 8):
        return None
    found = float(struct.unpack(">f" if len(body) == 4 else ">d", body)[0])
    return found if math.isfinite(found) and found >= 0 else None
