"""What the routes are given: who asks, the store, and the keys of cursors and retries."""

from collections.abc import Mapping
from typing import Annotated, Any

from tessera import auth, cursors
from tessera.auth.mac import Mac
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.idempotency import Intent, intend
from tessera.settings import Bindings
from tessera.types import In, Params

from ..store import MailStore

Sender = Annotated[Principal, auth.require("outbox:send")]
Manager = Annotated[Principal, auth.require("outbox:manage")]
Accounts = Annotated[Principal, auth.service("accounts")]
Store = Annotated[MailStore, bound(MailStore)]


class Signing:
    """Keys by purpose, for what clients carry about."""

    def __init__(self, mac: Mac) -> None:
        self._mac = mac

    @classmethod
    def bind(cls, bindings: Bindings) -> "Signing":
        return cls(bindings.get(Mac))

    def intent(self, key: str | None, caller: Principal, route: str, body: In) -> Intent:
        # The first byte of a code names the version of its key and is no chance.
        sign = self._mac("idempotency").sign
        dumped = body.model_dump(mode="json")
        return intend(key, owner=caller.owner_id, route=route, body=dumped, mac=lambda said: sign(said)[1:])

    def cursor(self, caller: Principal, route: str, asked: Params, state: Mapping[str, Any] | None) -> str | None:
        return cursors.encode(self._key, state, scope=_scope(caller, route, asked)) if state is not None else None

    def state(self, caller: Principal, route: str, asked: Params, cursor: str | None) -> dict[str, Any] | None:
        """Where a page starts. Raises `InvalidCursor`."""
        return cursors.decode(self._key, cursor, scope=_scope(caller, route, asked)) if cursor is not None else None

    @property
    def _key(self) -> bytes:
        return self._mac("cursors").sign(b"outbox")


Keys = Annotated[Signing, bound(Signing)]


def _scope(caller: Principal, route: str, asked: Params) -> str:
    shaped = asked.model_dump(mode="json", exclude={"limit", "cursor"}, exclude_none=True)
    return cursors.scope_of(caller.owner_id, route, shaped)


def only_own(caller: Principal) -> str | None:
    """Whose mails the caller sees: their own, or everybody's for those who run the mail."""
    return None if caller.can("outbox:manage") else caller.owner_id
