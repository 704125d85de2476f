"""What is read from a connection, byte by byte under its limits.

A socket's own time limit starts anew with each byte, so it holds nobody who sends one now and then. Here
every read gets what is left of the whole, and a connection that drips is given up.
"""

import io
import socket
from dataclasses import dataclass
from typing import Any

from tessera import clock
from tessera.safehttp.problems import FetchFailed, TookTooLong, TooLarge

HEADER_BYTES = 65_536


@dataclass(frozen=True)
class Pace:
    """How slow an answer may be. Whatever it says, the whole ends with its budget."""

    first_byte_seconds: float = 5.0
    drip_after_seconds: float = 3.0
    floor_bytes_per_second: int = 1_024


class Budget:
    """Seconds that are left of a whole. Parts never outlast it."""

    def __init__(self, seconds: float) -> None:
        self._ends = clock.monotonic() + seconds

    def left(self) -> float:
        """More than zero. Raises `TookTooLong` when nothing is left."""
        left = self._ends - clock.monotonic()
        if left <= 0:
            raise TookTooLong("The answer did not come in time.")
        return left

    def part(self, seconds: float) -> "Budget":
        return Budget(min(seconds, self.left()))


class Wire(io.RawIOBase):
    """A connection as `http.client` reads it: it takes this for a socket, and for the file of one."""

    def __init__(self, connection: socket.socket, budget: Budget, pace: Pace) -> None:
        self._connection, self._budget, self._pace = connection, budget, pace
        self._first: Budget | None = budget.part(pace.first_byte_seconds)
        self._started, self._bytes = 0.0, 0
        self.in_header = True

    def sendall(self, data: bytes) -> None:
        self._connection.settimeout(self._budget.left())
        self._told(lambda: self._connection.sendall(data))

    def makefile(self, *_: Any) -> io.BufferedReader:
        return _Measured(self, 8_192)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        budget = self._first or self._budget
        self._connection.settimeout(budget.left())
        count = int(self._told(lambda: self._connection.recv_into(buffer)))
        if self._first is not None:
            self._first, self._started = None, clock.monotonic()
        self._bytes += count
        # What was read ahead of the body is counted too, which is why this is not a byte exact.
        if self.in_header and self._bytes > HEADER_BYTES:
            raise TooLarge("The header of the answer is too large.")
        if count and self._drips(clock.monotonic() - self._started):
            raise TookTooLong("The answer only drips.")
        return count

    def _drips(self, took: float) -> bool:
        return took > self._pace.drip_after_seconds and self._bytes < self._pace.floor_bytes_per_second * took

    def close(self) -> None:
        """Done by whoever made the connection: `http.client` closes its socket before the answer is read."""

    @staticmethod
    def _told(do: Any) -> Any:
        try:
            return do()
        except TimeoutError as error:
            raise TookTooLong("The answer did not come in time.") from error
        except OSError as error:
            raise FetchFailed("The connection broke.") from error


class _Measured(io.BufferedReader):
    """Never read to its end: `http.client` would, for a chunk whose size the other side gives as less than nothing."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            raise FetchFailed("What came is not HTTP.")
        return super().read(size)
