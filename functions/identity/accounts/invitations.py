"""Whether somebody was invited: asked where nobody signs up without being so."""

from typing import Self

from tessera.auth.internal import Internal
from tessera.problems import Unavailable
from tessera.settings import Bindings

# By how their tokens begin.
INVITERS = {"tin_": "admin", "toi_": "organisations"}
PREFIX_LENGTH = 4


class Invitations:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def holds(self, token: str, email: str) -> bool:
        """Whether this invitation is open and was sent to this address. 1 internal call. Raises `Unavailable`."""
        inviter = INVITERS.get(token[:PREFIX_LENGTH])
        if inviter is None:
            return False
        asked = {"token": token, "email": email}
        answer = self._internal.call(inviter, "POST", f"/{inviter}/internal/invited", json=asked)
        if not answer.ok:
            raise Unavailable("Invitations cannot be looked at right now.")
        return bool(answer.json()["invited"])
