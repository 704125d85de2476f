"""Opening a picture: by what its bytes are, whatever its name says, and only after its header was found harmless."""

import struct
import warnings
import zlib
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageFile, PngImagePlugin
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ..rules.codes import MAX_FRAMES, MAX_PIXELS, Code, Refused, check_size

# Pillow warns at its limit and raises at twice it: here the limit is one, and a warning is an error.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
ImageFile.LOAD_TRUNCATED_IMAGES = False
# The texts of a PNG are nothing to us, and a kilobyte of them may unpack to a megabyte.
PngImagePlugin.MAX_TEXT_CHUNK = 256 * 1024
PngImagePlugin.MAX_TEXT_MEMORY = 1024 * 1024

_PNG = b"\x89PNG\r\n\x1a\n"
_BLOCK_TRAILER, _BLOCK_IMAGE, _BLOCK_EXTENSION = 0x3B, 0x2C, 0x21


def strict() -> None:
    """Let what Pillow only warns of be refused."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def open_picture(path: Path) -> ImageFile.ImageFile:
    """The picture, its header read and nothing decoded.

    The classes are named one by one: `Image.open` would take a JPEG that holds several for another format, and look
    at all that are registered. Raises `Refused`, and whatever Pillow raises for bytes that make no sense.
    """
    with path.open("rb") as file:
        head = file.read(32)
        made = _class_of(head)
        if made is GifImageFile:
            _count_gif(file)
        if made is PngImageFile:
            # What it claims is refused before its chunks are read, whether there are any or not.
            check_size(*struct.unpack(">II", head[16:24]))
            _check_png(file)
    if made is TiffImageFile:
        _count_tiff(path)
    picture = made(str(path))
    frames = getattr(picture, "n_frames", 1) if made in (PngImageFile, WebPImageFile, AvifImageFile) else 1
    check_size(*picture.size, frames=frames)
    return picture


def frames_of(picture: ImageFile.ImageFile) -> int:
    """How many frames are shown one after the other. Pages of a TIFF are none."""
    return 1 if picture.format in ("TIFF", "JPEG") else int(getattr(picture, "n_frames", 1))


def _class_of(head: bytes) -> type[ImageFile.ImageFile]:
    if head.startswith(b"\xff\xd8\xff"):
        return JpegImageFile
    if head.startswith(_PNG):
        return PngImageFile
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return GifImageFile
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WebPImageFile
    if head[:4] in (b"II*\x00", b"MM\x00*"):
        return TiffImageFile
    # A HEIC says `mif1` as well; only its decoder would tell, and we have none.
    if head[4:12] in (b"ftypavif", b"ftypavis") or (head[4:12] == b"ftypmif1" and b"avif" in head):
        return AvifImageFile
    raise Refused(Code.UNSUPPORTED if head else Code.CORRUPT)


def _count_gif(file: BinaryIO) -> None:
    """Walk over the blocks of a GIF: counting its frames by decoding them is what a bomb hopes for."""
    file.seek(6)
    width, height, flags = struct.unpack("<HHBxx", file.read(7))
    check_size(width, height)
    _skip_colours(file, flags)
    frames = 0
    while (mark := file.read(1)) and mark[0] != _BLOCK_TRAILER:
        if mark[0] == _BLOCK_IMAGE:
            frames += 1
            left, top, across, down, flags = struct.unpack("<HHHHB", file.read(9))
            # A frame that reaches beyond the screen makes the screen larger.
            check_size(max(width, left + across), max(height, top + down), frames)
            _skip_colours(file, flags)
            file.seek(1, 1)
        elif mark[0] == _BLOCK_EXTENSION:
            file.seek(1, 1)
        else:
            raise Refused(Code.CORRUPT)
        while (length := file.read(1)) and length[0]:
            file.seek(length[0], 1)
    if not frames:
        raise Refused(Code.CORRUPT)


def _check_png(file: BinaryIO) -> None:
    """Every chunk of a PNG is whole, up to the last: Pillow may take one that is cut off for what came before."""
    file.seek(len(_PNG))
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", file.read(8))
        found, left = zlib.crc32(kind), length
        while left:
            piece = file.read(min(left, 1024 * 1024))
            if not piece:
                raise Refused(Code.CORRUPT)
            found, left = zlib.crc32(piece, found), left - len(piece)
        if file.read(4) != struct.pack(">I", found):
            raise Refused(Code.CORRUPT)


def _skip_colours(file: BinaryIO, flags: int) -> None:
    if flags >= 0x80:
        file.seek(3 * 2 ** (flags % 8 + 1), 1)


def _count_tiff(path: Path) -> None:
    """Follow the chain of a TIFF's pages, no further than it may be long."""
    size = path.stat().st_size
    with path.open("rb") as file:
        order = "<" if file.read(4).startswith(b"II") else ">"
        offset, pages = struct.unpack(f"{order}I", file.read(4))[0], 0
        while offset:
            pages += 1
            if pages > MAX_FRAMES:
                raise Refused(Code.TOO_MANY_FRAMES)
            if offset + 2 > size:
                raise Refused(Code.CORRUPT)
            file.seek(offset)
            entries = struct.unpack(f"{order}H", file.read(2))[0]
            file.seek(entries * 12, 1)
            following = file.read(4)
            if len(following) < 4:
                raise Refused(Code.CORRUPT)
            offset = struct.unpack(f"{order}I", following)[0]
