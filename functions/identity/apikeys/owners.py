"""The people behind the keys, as `accounts` knows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tessera.auth.internal import Internal
from tessera.problems import Unavailable
from tessera.settings import Bindings


@dataclass(frozen=True)
class Standing:
    """How somebody stands this moment."""

    is_active: bool
    epoch: int
    roles: tuple[str, ...]

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Self:
        return cls(state["status"] == "active", int(state["epoch"]), tuple(sorted(state["roles"])))


class Owners:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def standing(self, user_id: str) -> Standing | None:
        """None for who is gone. 1 internal call. Raises `Unavailable`."""
        state = self._get(f"/accounts/internal/users/{user_id}/state")
        return None if state is None else Standing.of(state)

    def write(self, user_id: str, template: str, data: Mapping[str, str]) -> None:
        """A mail to who made a key; none to who is gone. 2 internal calls. Raises `Unavailable`."""
        user = self._get(f"/accounts/internal/users/{user_id}")
        if user is None:
            return
        mail = {"to": user["email"], "template": template, "locale": user["locale"], "data": dict(data)}
        answer = self._internal.call("accounts", "POST", "/accounts/internal/mail", json=mail)
        if not answer.ok:
            raise Unavailable(f"The mail {template} was refused with {answer.status}.")

    def _get(self, path: str) -> Any:
        answer = self._internal.call("accounts", "GET", path)
        if answer.status == 404:
            return None
        if not answer.ok:
            raise Unavailable("It cannot be looked up right now who owns the key.")
        return answer.json()
