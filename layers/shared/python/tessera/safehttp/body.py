"""The body of an answer, read and unpacked under its limits."""

import http.client
import zlib
from collections.abc import Callable

from tessera.safehttp.problems import FetchFailed, TooLarge

CHUNK = 16_384
# How much larger than the wire's own limit a body may become, and than what was packed: a bomb is neither.
UNPACKED_TIMES = 4
MOST_RATIO = 100
RATIO_FROM = 65_536
ENCODINGS = "gzip, deflate"

Enough = Callable[[bytearray], bool]


def read(
    answer: http.client.HTTPResponse, max_bytes: int, *, truncate: bool, enough: Enough | None = None
) -> tuple[bytes, bool]:
    """The body, and whether it was cut off: at `max_bytes`, when `truncate` allows it, or where it was `enough`.

    Raises `TooLarge`, `FetchFailed`, `TookTooLong`.
    """
    announced = answer.length
    if announced is not None and announced > max_bytes and not truncate:
        raise TooLarge(f"The answer may have {max_bytes:,} bytes.")
    unpack = _unpacker(answer.headers.get_all("Content-Encoding") or [])
    made, seen = bytearray(), 0
    while chunk := _chunk(answer):
        seen += len(chunk)
        if seen > max_bytes and not truncate:
            raise TooLarge(f"The answer may have {max_bytes:,} bytes.")
        most = max_bytes if truncate else max_bytes * (UNPACKED_TIMES if unpack else 1)
        made += unpack.some(chunk, most - len(made) + 1) if unpack else chunk
        if len(made) > max(RATIO_FROM, MOST_RATIO * seen):
            raise TooLarge("The answer unpacks to far more than came.")
        if len(made) > most:
            if truncate:
                return bytes(made[:most]), True
            raise TooLarge(f"The answer may have {most:,} bytes when unpacked.")
        if enough is not None and enough(made):
            return bytes(made), True
    if answer.length or (unpack and seen and not unpack.is_whole):
        raise FetchFailed("The answer is cut short.")
    return bytes(made), False


def _chunk(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(CHUNK)
    except (http.client.HTTPException, ValueError) as error:
        raise FetchFailed("The answer is cut short, or is not HTTP.") from error


class _Unpacker:
    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._inner = zlib.decompressobj(wbits)
        self._fresh = True

    @property
    def is_whole(self) -> bool:
        return self._inner.eof

    def some(self, chunk: bytes, most: int) -> bytes:
        """What this chunk unpacks to, at most so many bytes: whoever asks stops there."""
        if self._inner.eof:
            return b""
        try:
            return self._unpack(chunk, most)
        except zlib.error as error:
            raise FetchFailed("The answer cannot be unpacked.") from error

    def _unpack(self, chunk: bytes, most: int) -> bytes:
        try:
            return self._inner.decompress(chunk, max(1, most))
        except zlib.error:
            # Some servers send deflate without the frame that RFC 9110 8.4.1.2 asks for.
            if not self._fresh or self._wbits != zlib.MAX_WBITS:
                raise
            self._inner = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._inner.decompress(chunk, max(1, most))
        finally:
            self._fresh = False


def _unpacker(headers: list[str]) -> _Unpacker | None:
    """How the body is packed. Raises `FetchFailed` for what we did not offer to take, and for two at once."""
    named = [part.strip().lower() for header in headers for part in header.split(",")]
    used = [name for name in named if name not in ("", "identity")]
    if not used:
        return None
    if len(used) > 1:
        raise FetchFailed("The answer is packed more than once.")
    if used[0] in ("gzip", "x-gzip"):
        return _Unpacker(16 + zlib.MAX_WBITS)
    if used[0] == "deflate":
        return _Unpacker(zlib.MAX_WBITS)
    raise FetchFailed("The answer is packed in a way that was not asked for.")
