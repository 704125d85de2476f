"""Why something could not be made of a file. Permanent codes are never tried again by themselves."""

from enum import StrEnum


class Code(StrEnum):
    UNSUPPORTED = "unsupported"
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_FRAMES = "too_many_frames"
    TOO_MUCH_MEMORY = "too_much_memory"
    TIMEOUT = "timeout"
    ENCRYPTED = "encrypted"
    GONE = "gone"
    # The one that is not permanent: tried several times, then given up.
    UNAVAILABLE = "unavailable"


class Refused(Exception):
    """Nothing can be made of this file, and trying again would not help."""

    def __init__(self, code: Code) -> None:
        super().__init__(code.value)
        self.code = code


# What is read of a file at most, by whichever worker.
MAX_SOURCE_BYTES = 100 * 1024 * 1024
# From here on the worker with more memory does it.
HEAVY_BYTES = 16 * 1024 * 1024
MAX_PIXELS, MAX_SIDE, MAX_FRAMES, MAX_FRAME_PIXELS = 64_000_000, 16_384, 120, 256_000_000


def check_size(width: int, height: int, frames: int = 1) -> None:
    """Raises `Refused` for a picture whose header says that it is too large to be decoded."""
    if width < 1 or height < 1:
        raise Refused(Code.CORRUPT)
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise Refused(Code.TOO_MANY_PIXELS)
    if frames > MAX_FRAMES or frames * width * height > MAX_FRAME_PIXELS:
        raise Refused(Code.TOO_MANY_FRAMES)
