"""MFA tokens: that somebody has shown their first factor, and what the sign-in was to be.

`tmf_` + base64url(JSON) + `.` + base64url(MAC). The token carries its own facts, so nothing is written before
the first attempt at a second factor; a wrong MAC costs no request.
"""

import binascii
import json
from dataclasses import dataclass

from tessera import clock, ids
from tessera.auth import jws
from tessera.auth.mac import Mac

from .rules import MFA_LIFE

PREFIX = "tmf_"
PURPOSE = "mfa"
MAX_CHARACTERS = 1_500


@dataclass(frozen=True)
class MfaToken:
    """`id` is the transaction's: its attempts are counted under it. `epoch` is the user's at that time."""

    id: str
    user_id: str
    epoch: int
    amr: tuple[str, ...]
    client_id: str
    device_name: str | None

    @property
    def ends_at(self) -> int:
        """Milliseconds since 1970."""
        return ids.timestamp_ms(self.id) + int(MFA_LIFE.total_seconds() * 1000)

    def text(self, mac: Mac) -> str:
        facts = [self.id, self.user_id, self.epoch, list(self.amr), self.client_id, self.device_name]
        message = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
        return f"{PREFIX}{jws.encode(message)}.{jws.encode(mac(PURPOSE).sign(message))}"


def read(text: str, mac: Mac) -> MfaToken | None:
    """The token, or None for one that is too old and for anything we did not make."""
    if not text.startswith(PREFIX) or len(text) > MAX_CHARACTERS:
        return None
    body, _, tag = text.removeprefix(PREFIX).partition(".")
    try:
        message, signature = jws.decode(body), jws.decode(tag)
    except (jws.Malformed, binascii.Error, ValueError):
        return None
    if not mac(PURPOSE).verify(message, signature):
        return None
    mfa_id, user_id, epoch, amr, client_id, device_name = json.loads(message)
    found = MfaToken(mfa_id, user_id, int(epoch), tuple(amr), client_id, device_name)
    return found if clock.millis() < found.ends_at else None
