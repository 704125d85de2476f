"""Pictures without an image library, for whoever needs nothing but one that is a picture."""

import struct
import zlib
from collections.abc import Callable

Colour = tuple[int, int, int]
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG, its length and checksum as they must be."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, colour: Colour | Callable[[int, int], Colour] = (200, 80, 40)) -> bytes:
    """A PNG of one colour, or of what `colour(x, y)` says."""
    return SIGNATURE + _header(width, height) + chunk(b"IDAT", _pixels(width, height, colour)) + chunk(b"IEND", b"")


def half_an_animation(width: int, height: int) -> bytes:
    """A moving PNG whose first frame is whole and whose second is nothing: a part of it can be shown."""

    def frame(number: int) -> bytes:
        return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, width, height, 0, 0, 1, 10, 0, 0))

    body = SIGNATURE + _header(width, height) + chunk(b"acTL", struct.pack(">II", 2, 0)) + frame(0)
    body += chunk(b"IDAT", _pixels(width, height, (60, 120, 180))) + frame(1)
    return body + chunk(b"fdAT", struct.pack(">I", 2) + b"no picture") + chunk(b"IEND", b"")


def _header(width: int, height: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def _pixels(width: int, height: int, colour: Colour | Callable[[int, int], Colour]) -> bytes:
    if not callable(colour):
        return zlib.compress((b"\x00" + bytes(colour) * width) * height)
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes(colour(x, y))
    return zlib.compress(bytes(rows))
