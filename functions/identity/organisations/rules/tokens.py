"""The text of an invitation's link: whose it is, which sending it comes from, and a code over both."""

import base64
import binascii
import re
from dataclasses import dataclass

from tessera.ids import PATTERN

PREFIX = "toi_"
MAX_CHARACTERS = 160
_ULID = PATTERN.strip("^$")
_TEXT = re.compile(rf"{PREFIX}({_ULID})({_ULID})([0-9]{{2}})([A-Za-z0-9_-]{{20,90}})", re.ASCII)


@dataclass(frozen=True)
class Link:
    organisation_id: str
    invitation_id: str
    number: int

    @property
    def message(self) -> bytes:
        """What the code is over."""
        return f"{self.organisation_id}\n{self.invitation_id}\n{self.number}".encode()

    def text(self, code: bytes) -> str:
        written = base64.urlsafe_b64encode(code).rstrip(b"=").decode()
        return f"{PREFIX}{self.organisation_id}{self.invitation_id}{self.number:02d}{written}"


def parse(text: str) -> tuple[Link, bytes] | None:
    """The link and its code as they were sent, or None for anything else. It proves nothing yet."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    organisation_id, invitation_id, number, written = found.groups()
    try:
        code = base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))
    except binascii.Error:
        return None
    return Link(organisation_id, invitation_id, int(number)), code
