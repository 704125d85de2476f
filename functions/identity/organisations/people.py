"""What `accounts` knows of people and does for us: its internal routes, as a port."""

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

from tessera.auth.call import Call
from tessera.auth.internal import Answer, Internal
from tessera.problems import NotFound, Unavailable
from tessera.settings import Bindings

CALLEE, PREFIX = "accounts", "/accounts/internal"


@dataclass(frozen=True)
class Person:
    """Somebody with an account. `email` is an address they have confirmed, or None."""

    id: str
    email: str | None
    locale: str | None
    is_active: bool


class People:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def of(self, user_id: str, call: Call) -> Person:
        """1 internal call. Raises `NotFound`, `Unavailable`."""
        answer = self._internal.call(CALLEE, "GET", f"{PREFIX}/users/{user_id}", for_call=call)
        if answer.status == 404:
            raise NotFound()
        return _person(_good(answer).json())

    def with_address(self, email: str, call: Call | None = None) -> Person | None:
        """Whose address this is, if it is anybody's. 1 internal call. Raises `Unavailable`."""
        path = f"{PREFIX}/users/search?email={quote(email, safe='')}"
        items = _good(self._internal.call(CALLEE, "GET", path, for_call=call)).json()["items"]
        return _person(items[0]) if items else None

    def has_second_factor(self, user_id: str, call: Call) -> bool:
        """1 internal call. Raises `Unavailable`."""
        answer = self._internal.call(CALLEE, "GET", f"{PREFIX}/users/{user_id}/state", for_call=call)
        return bool(_good(answer).json().get("mfa"))

    def mail(self, to: str, template: str, *, locale: str | None, data: dict[str, str], secret: dict[str, str]) -> None:
        """Have a mail sent. 1 internal call. Raises `Unavailable`."""
        asked = {"to": to, "template": template, "data": data, "secret": secret}
        if locale:
            asked["locale"] = locale
        _good(self._internal.call(CALLEE, "POST", f"{PREFIX}/mail", json=asked, timeout=10))

    def erase(self, owner_id: str) -> None:
        """Have everything deleted that this owner has anywhere. 1 internal call. Raises `Unavailable`."""
        asked = {"owner_id": owner_id}
        # The key makes it one erasure, however often we ask.
        answer = self._internal.call(
            CALLEE, "POST", f"{PREFIX}/erasures", json=asked, idempotency_key=owner_id, timeout=10
        )
        _good(answer)


def _good(answer: Answer) -> Answer:
    if not answer.ok:
        raise Unavailable("Accounts cannot be asked right now.")
    return answer


def _person(found: dict[str, Any]) -> Person:
    # An account begins when its address is confirmed; one that is not says so.
    confirmed = found.get("email_verified", True) is not False
    email = str(found["email"]) if found.get("email") and confirmed else None
    return Person(str(found["id"]), email, found.get("locale"), found.get("status") == "active")
