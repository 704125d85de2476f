"""What a picture is, by its first bytes: its type and its size."""

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    mime: str
    width: int | None = None
    height: int | None = None


def look(data: bytes) -> Picture | None:
    """The picture that begins like this, or None when it is none that is shown. SVG is none: it may hold scripts."""
    for read in (_png, _gif, _jpeg, _webp, _avif, _ico, _bmp):
        try:
            found = read(data)
        except (struct.error, IndexError):
            continue
        if found is not None:
            return found
    return None


def _png(data: bytes) -> Picture | None:
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return None
    return Picture("image/png", *struct.unpack(">II", data[16:24]))


def _gif(data: bytes) -> Picture | None:
    if data[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    return Picture("image/gif", *struct.unpack("<HH", data[6:10]))


def _jpeg(data: bytes) -> Picture | None:
    """The size stands in the first frame header, after any number of other segments."""
    if data[:3] != b"\xff\xd8\xff":
        return None
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return Picture("image/jpeg", width, height)
        at += 1 if marker == 0xFF else 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return Picture("image/jpeg")


def _webp(data: bytes) -> Picture | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    if data[12:16] == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return Picture("image/webp", width, height)
    if data[12:16] == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        return Picture("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if data[12:16] == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return Picture("image/webp", width & 0x3FFF, height & 0x3FFF)
    return Picture("image/webp")


def _avif(data: bytes) -> Picture | None:
    if data[4:8] != b"ftyp" or data[8:12] not in (b"avif", b"avis"):
        return None
    # The first spatial extent is that of the picture itself, or of a tile of it.
    at = data.find(b"ispe", 0, 4_096)
    if at < 0:
        return Picture("image/avif")
    return Picture("image/avif", *struct.unpack(">II", data[at + 8 : at + 16]))


def _ico(data: bytes) -> Picture | None:
    if data[:4] != b"\x00\x00\x01\x00" or len(data) < 22:
        return None
    # A side of 256 is written as 0.
    return Picture("image/x-icon", data[6] or 256, data[7] or 256)


def _bmp(data: bytes) -> Picture | None:
    if data[:2] != b"BM" or len(data) < 26:
        return None
    width, height = struct.unpack("<ii", data[18:26])
    return Picture("image/bmp", abs(width), abs(height))
