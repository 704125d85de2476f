"""Who looks for malware: a port, and its stand-in.

`local` knows one thing, the EICAR test string, and is for a laptop and for tests. `clamd` speaks to a daemon.
`guardduty` does nothing here: its verdict comes as an event.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

# https://www.eicar.org/download-anti-malware-testfile/, in two parts so that no scanner takes this module for it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}" + rb"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class ScannerAway(Exception):
    """The scanner cannot be reached or gave no verdict: try again later."""


@dataclass(frozen=True)
class Verdict:
    """`signature` names what was found; None is clean."""

    signature: str | None = None


class Scanner(Protocol):
    def scan(self, pieces: Iterable[bytes]) -> Verdict:
        """The verdict on these bytes, all of which are read unless it is known before. Raises `ScannerAway`."""
        ...


class LocalScanner:
    def scan(self, pieces: Iterable[bytes]) -> Verdict:
        end, found = b"", False
        for piece in pieces:
            # It may lie across two pieces.
            found = found or EICAR in end + piece
            end = (end + piece)[-len(EICAR) + 1 :]
        return Verdict("EICAR-Test-File" if found else None)
