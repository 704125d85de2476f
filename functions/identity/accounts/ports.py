"""Everything the actions stand on, bound once for an app."""

import ipaddress
from dataclasses import dataclass
from typing import Self

from tessera.auth.mac import Mac
from tessera.limits import Limits
from tessera.settings import Bindings

from .config import AccountSettings
from .pace import Pace
from .passwords import Passwords
from .signing import SigningKeys
from .store import SessionStore, SignUpStore, UserStore


@dataclass(frozen=True)
class Ports:
    settings: AccountSettings
    users: UserStore
    sessions: SessionStore
    sign_ups: SignUpStore
    passwords: Passwords
    signing: SigningKeys
    limits: Limits
    pace: Pace
    mac: Mac

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(
            settings=bindings.settings(AccountSettings),
            users=bindings.get(UserStore),
            sessions=bindings.get(SessionStore),
            sign_ups=bindings.get(SignUpStore),
            passwords=bindings.get(Passwords),
            signing=bindings.get(SigningKeys),
            limits=bindings.get(Limits),
            pace=bindings.get(Pace),
            mac=bindings.get(Mac),
        )

    def digest(self, purpose: str, secret: str) -> str:
        return self.mac.hash_lookup(purpose, secret)


@dataclass(frozen=True)
class Client:
    """Where a request comes from, and what it calls itself."""

    address: str = ""
    client_id: str = "web"
    device_name: str | None = None
    device_token: str = ""

    @property
    def network(self) -> str | None:
        """The address cut to what may be shown and kept: /24, or /48 of IPv6."""
        try:
            found = ipaddress.ip_address(self.address)
        except ValueError:
            return None
        return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))
