"""What clients carry about for us: the keys of their retries and the cursors of their lists, signed for one app."""

from collections.abc import Mapping
from typing import Any, Self

from tessera import cursors
from tessera.auth.mac import Mac
from tessera.auth.principal import Principal
from tessera.idempotency import Intent, intend
from tessera.settings import Bindings, Settings
from tessera.types import In, Params


class Signing:
    """Keys by purpose; the capability's name keeps the cursors of two apps apart."""

    def __init__(self, mac: Mac, capability: str) -> None:
        self._mac, self._capability = mac, capability

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Mac), bindings.settings(Settings).capability)

    def intent(self, key: str | None, caller: Principal, route: str, body: In) -> Intent:
        """What a create was asked with. Raises `InvalidRequest` for a key no client should send."""
        # The first byte of a code names the version of its key and is no chance.
        sign = self._mac("idempotency").sign
        dumped = body.model_dump(mode="json")
        return intend(key, owner=caller.owner_id, route=route, body=dumped, mac=lambda message: sign(message)[1:])

    def cursor(self, caller: Principal, route: str, asked: Params, state: Mapping[str, Any] | None) -> str | None:
        """The cursor of the next page; None when there is none."""
        return cursors.encode(self._key, state, scope=_scope(caller, route, asked)) if state is not None else None

    def state(self, caller: Principal, route: str, asked: Params, cursor: str | None) -> dict[str, Any] | None:
        """Where a page starts. Raises `InvalidCursor`."""
        return cursors.decode(self._key, cursor, scope=_scope(caller, route, asked)) if cursor is not None else None

    @property
    def _key(self) -> bytes:
        return self._mac("cursors").sign(self._capability.encode())


def _scope(caller: Principal, route: str, asked: Params) -> str:
    shaped = asked.model_dump(mode="json", exclude={"limit", "cursor"}, exclude_none=True)
    return cursors.scope_of(caller.owner_id, route, shaped)
