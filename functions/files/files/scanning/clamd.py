"""The ClamAV daemon, by its own protocol: `zINSTREAM`, chunks that carry their length, an empty one at the end.

https://docs.clamav.net/manual/Usage/Scanning.html#clamd
"""

import re
import socket
import struct
from collections.abc import Iterable

from .scanner import ScannerAway, Verdict

SECONDS = 30.0
CHUNK_BYTES = 256 * 1024
_ANSWER = re.compile(rb"stream: (?:(OK)|(.+) FOUND)\x00?")


class ClamdScanner:
    """`address` is `host:port`, which only the operator sets."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._address = (host, int(port))

    def scan(self, pieces: Iterable[bytes]) -> Verdict:
        try:
            with socket.create_connection(self._address, timeout=SECONDS) as connection:
                connection.sendall(b"zINSTREAM\x00")
                for piece in pieces:
                    for start in range(0, len(piece), CHUNK_BYTES):
                        chunk = piece[start : start + CHUNK_BYTES]
                        connection.sendall(struct.pack("!L", len(chunk)) + chunk)
                connection.sendall(struct.pack("!L", 0))
                answer = _read(connection)
        except OSError as error:
            raise ScannerAway(type(error).__name__) from error
        found = _ANSWER.fullmatch(answer.strip())
        if found is None:
            # Such as `INSTREAM size limit exceeded. ERROR`.
            raise ScannerAway(answer.decode("ascii", "replace")[:200])
        return Verdict(None if found[1] else found[2].decode("ascii", "replace")[:200])


def _read(connection: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b"\x00") and len(answer) < 4096:
        piece = connection.recv(4096)
        if not piece:
            break
        answer += piece
    return answer
