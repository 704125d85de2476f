"""What somebody is in an organisation this moment, asked of `organisations`: a token says what they were."""

from dataclasses import dataclass
from typing import Self

from tessera.auth.internal import Internal
from tessera.problems import Unavailable
from tessera.settings import Bindings


@dataclass(frozen=True)
class Membership:
    """`permissions` are those of a role of the organisation's own; built-in ones are known to everybody."""

    organisation_id: str
    role: str
    epoch: int
    permissions: frozenset[str] = frozenset()


class Memberships:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def find(self, organisation_id: str, user_id: str) -> Membership | None:
        """None for who is no member. 1 internal call. Raises `Unavailable`."""
        asked = {"organisation_id": organisation_id, "user_id": user_id}
        answer = self._internal.call("organisations", "POST", "/organisations/internal/membership", json=asked)
        if answer.status == 404:
            return None
        if not answer.ok:
            raise Unavailable("It cannot be looked up right now who is a member.")
        found = answer.json()
        held = frozenset(found.get("permissions") or ())
        return Membership(organisation_id, found["role"], int(found["epoch"]), held)
