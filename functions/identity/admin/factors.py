"""Whether staff who come without a second factor have one: then they must use it."""

import threading
from typing import Self

from tessera import clock
from tessera.auth.principal import Principal
from tessera.auth.problems import FactorRequired, SessionRevoked, StepUpRequired
from tessera.problems import NotFound
from tessera.settings import Bindings

from .accounts import Accounts
from .config import StaffSettings

HELD_MS = 60_000
MOST = 1_000


class Factors:
    """Remembers the answers for a minute; somebody whose credentials changed comes with another epoch."""

    def __init__(self, accounts: Accounts, *, needed: bool) -> None:
        self._accounts, self._needed = accounts, needed
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], tuple[bool, int]] = {}

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Accounts), needed=bindings.settings(StaffSettings).staff_factor == "on")

    def check(self, principal: Principal) -> None:
        """No request for who used a second factor, else 1 internal call a minute.

        Raises `StepUpRequired` for who has one, `FactorRequired` for who has none and needs one.
        """
        # What is done in somebody's place has no factor of theirs; whose place that may be is decided elsewhere.
        if principal.aal >= 2 or principal.user_id is None or principal.actor is not None:
            return
        if self._has_factor(principal.user_id, principal.epoch):
            raise StepUpRequired(aal=2)
        if self._needed:
            raise FactorRequired()

    def _has_factor(self, user_id: str, epoch: int) -> bool:
        now, key = clock.millis(), (user_id, epoch)
        with self._lock:
            known = self._known.get(key)
        if known is not None and 0 <= now - known[1] < HELD_MS:
            return known[0]
        try:
            found = self._accounts.state(user_id).has_factor
        except NotFound:
            raise SessionRevoked("user gone") from None
        with self._lock:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = (found, now)
        return found
