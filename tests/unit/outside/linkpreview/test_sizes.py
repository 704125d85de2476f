"""Pictures told by their first bytes."""

import struct

import pytest

from functions.outside.linkpreview.extract.sizes import Picture, look

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480) + bytes(9)
JPEG = b"\xff\xd8\xff\xe0\x00\x10" + bytes(14) + b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", 300, 400) + bytes(8)
WEBP = b"RIFF\x00\x00\x00\x00WEBP"
ICON = b"\x00\x00\x01\x00\x01\x00\x00\x20" + bytes(20)
AVIF = b"\x00\x00\x00\x1cftypavif" + bytes(16) + b"\x00\x00\x00\x14ispe\x00\x00\x00\x00" + struct.pack(">II", 9, 8)


@pytest.mark.parametrize(
    ("data", "picture"),
    [
        (PNG, Picture("image/png", 640, 480)),
        (b"GIF89a" + struct.pack("<HH", 3, 2), Picture("image/gif", 3, 2)),
        (JPEG, Picture("image/jpeg", 400, 300)),
        (JPEG[:10], Picture("image/jpeg")),
        (WEBP + b"VP8X" + bytes(8) + b"\x0f\x00\x00\x07\x00\x00", Picture("image/webp", 16, 8)),
        (WEBP + b"VP8 " + bytes(10) + struct.pack("<HH", 33, 22), Picture("image/webp", 33, 22)),
        (WEBP + b"VP8L" + bytes(5) + struct.pack("<I", 99 | 49 << 14), Picture("image/webp", 100, 50)),
        (AVIF, Picture("image/avif", 9, 8)),
        (ICON, Picture("image/x-icon", 256, 32)),
        (b"BM" + bytes(16) + struct.pack("<ii", 7, -6), Picture("image/bmp", 7, 6)),
    ],
    ids=lambda value: getattr(value, "mime", ""),
)
def test_a_picture_is_told_with_its_size(data, picture):
    assert look(data) == picture


@pytest.mark.parametrize(
    "data", [b"", b"<svg xmlns='x'></svg>", b"<html>", b"\x89PNG", PNG[:18], b"GIF89a", WEBP[:11], b"BM", bytes(100)]
)
def test_what_is_no_picture_is_none(data):
    assert look(data) is None


def test_segments_that_lead_nowhere_end():
    assert look(b"\xff\xd8\xff" + b"\xff" * 60_000) == Picture("image/jpeg")
