"""What people are called, as `accounts` shows them to everybody."""

from collections.abc import Sequence
from typing import Self

from tessera import ids
from tessera.auth.internal import Internal
from tessera.problems import Unavailable
from tessera.settings import Bindings


class People:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def names(self, user_ids: Sequence[str]) -> dict[str, str | None]:
        """The names of those who are there, of a hundred at most. 1 internal call. Raises `Unavailable`."""
        asked = {"ids": [one for one in user_ids if ids.is_ulid(one)]}
        if not asked["ids"]:
            return {}
        answer = self._internal.call("accounts", "POST", "/accounts/internal/profiles", json=asked)
        if not answer.ok:
            raise Unavailable("Accounts do not answer right now.")
        return {one["id"]: one["name"] or one["handle"] for one in answer.json()["items"]}
