"""MP4, QuickTime and what is made like them: boxes in boxes (ISO/IEC 14496-12), of which a few are read."""

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from ..rules.codes import Code, Refused

_MAX_BOXES, _MAX_DEPTH = 10_000, 8
_NESTED = frozenset([b"moov", b"trak", b"mdia", b"minf", b"stbl"])
# What is read of a box at most: those that are wanted are far smaller.
_READ = 4096
_CODECS = {"avc1": "h264", "avc3": "h264", "hvc1": "h265", "hev1": "h265", "av01": "av1", "vp09": "vp9", "mp4a": "aac"}


def mp4_facts(file: BinaryIO) -> dict[str, Any]:
    """Duration, tracks and the largest picture. Raises `Refused`."""
    file.seek(0, 2)
    end = file.tell()
    facts: dict[str, Any] = {"container": "mp4"}
    codecs: list[str] = []
    found_movie = False
    for kind, body in _boxes(file, 0, end, [_MAX_BOXES]):
        if kind == b"mvhd":
            found_movie = True
            seconds = _duration(body)
            if seconds is not None:
                facts["duration_seconds"] = seconds
        elif kind == b"tkhd":
            width, height = _track_size(body)
            if width * height > facts.get("w", 0) * facts.get("h", 0):
                facts |= {"w": width, "h": height}
        elif kind == b"stsd" and len(body) >= 16:
            codec = "".join(chr(byte) for byte in body[12:16] if 32 < byte < 127)
            codecs.append(_CODECS.get(codec, codec.lower()))
    if not found_movie:
        raise Refused(Code.CORRUPT)
    return {**facts, "codecs": list(dict.fromkeys(codec for codec in codecs if codec))[:10]}


def _boxes(file: BinaryIO, start: int, end: int, left: list[int], depth: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Every box that holds no others, in order: its kind, and its beginning. `left` counts down over all of them."""
    while start + 8 <= end:
        left[0] -= 1
        if left[0] < 0:
            raise Refused(Code.CORRUPT)
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        body = start + 8
        if size == 1:
            wide = file.read(8)
            if len(wide) < 8:
                return
            size, body = struct.unpack(">Q", wide)[0], start + 16
        # A size of none says that it goes on to the end of the file.
        after = end if size == 0 else start + size
        if after < body or after > end:
            raise Refused(Code.CORRUPT)
        if kind in _NESTED and depth < _MAX_DEPTH:
            yield from _boxes(file, body, after, left, depth + 1)
        elif kind not in (b"mdat", b"free", b"skip"):
            file.seek(body)
            yield kind, file.read(min(_READ, after - body))
        start = after


def _duration(body: bytes) -> float | None:
    if len(body) < 20:
        return None
    if body[0] == 1 and len(body) >= 32:
        scale, length = struct.unpack(">IQ", body[20:32])
    else:
        scale, length = struct.unpack(">II", body[12:20])
    return round(length / scale, 3) if scale else None


def _track_size(body: bytes) -> tuple[int, int]:
    """Width and height of a track, in whole pixels: the last eight bytes, as fixed-point numbers."""
    length = 96 if body[:1] == b"\x01" else 84
    if len(body) < length:
        return 0, 0
    width, height = struct.unpack(">II", body[length - 8 : length])
    return width >> 16, height >> 16
