"""Everything the actions stand on, bound once for an app."""

from dataclasses import dataclass
from typing import Self

from tessera.auth.mac import Mac
from tessera.settings import Bindings

from .config import SessionSettings
from .proofs import Accounts
from .store import Endings, ExchangeStore, Openings, SessionStore


@dataclass(frozen=True)
class Ports:
    settings: SessionSettings
    sessions: SessionStore
    openings: Openings
    endings: Endings
    exchanges: ExchangeStore
    accounts: Accounts
    mac: Mac

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(
            settings=bindings.settings(SessionSettings),
            sessions=bindings.get(SessionStore),
            openings=bindings.get(Openings),
            endings=bindings.get(Endings),
            exchanges=bindings.get(ExchangeStore),
            accounts=bindings.get(Accounts),
            mac=bindings.get(Mac),
        )
