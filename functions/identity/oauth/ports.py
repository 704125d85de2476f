"""Everything the actions stand on, bound once for an app."""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from tessera.auth import jws
from tessera.auth.mac import Mac
from tessera.limits import Limits
from tessera.settings import Bindings

from .accounts import Accounts, Sessions
from .config import OauthSettings
from .discovery import Discovery
from .store import AnswerStore, IdentityStore, ProviderStore, TransactionStore
from .vault import Vault
from .wire import Wire

SECRET_BYTES = 32


@dataclass(frozen=True)
class Ports:
    settings: OauthSettings
    providers: ProviderStore
    transactions: TransactionStore
    identities: IdentityStore
    answers: AnswerStore
    discovery: Discovery
    wire: Wire
    vault: Vault
    accounts: Accounts
    sessions: Sessions
    limits: Limits
    mac: Mac
    # Somebody else makes the account of this very person: their answer is ours, and is there within a second or two.
    pause: Callable[[float], None] = time.sleep

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(
            settings=bindings.settings(OauthSettings),
            providers=bindings.get(ProviderStore),
            transactions=bindings.get(TransactionStore),
            identities=bindings.get(IdentityStore),
            answers=bindings.get(AnswerStore),
            discovery=bindings.get(Discovery),
            wire=bindings.get(Wire),
            vault=bindings.get(Vault),
            accounts=bindings.get(Accounts),
            sessions=bindings.get(Sessions),
            limits=bindings.get(Limits),
            mac=bindings.get(Mac),
        )

    def digest(self, purpose: str, secret: str) -> str:
        """What stands for a secret in a key of the table."""
        return self.mac.hash_lookup(f"oauth-{purpose}", secret)


def new_secret() -> str:
    """256 bits of chance, as 43 characters."""
    return jws.encode(secrets.token_bytes(SECRET_BYTES))


def s256(verifier: str) -> str:
    """RFC 7636 4.2."""
    return jws.encode(hashlib.sha256(verifier.encode()).digest())
