"""Everything the actions stand on, bound once for an app."""

from dataclasses import dataclass
from typing import Self

from tessera.auth.mac import Mac
from tessera.auth.memberships import Memberships
from tessera.limits import Limits
from tessera.settings import Bindings

from .owners import Owners
from .store import KeyStore


@dataclass(frozen=True)
class Ports:
    keys: KeyStore
    owners: Owners
    memberships: Memberships
    mac: Mac
    limits: Limits

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(
            keys=bindings.get(KeyStore),
            owners=bindings.get(Owners),
            memberships=bindings.get(Memberships),
            mac=bindings.get(Mac),
            limits=bindings.get(Limits),
        )
