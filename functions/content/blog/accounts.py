"""The part of `accounts` that the blog asks: who somebody is, and the accounts of the facade's own realm."""

from dataclasses import dataclass
from typing import Any, Self

from tessera.auth.call import Call
from tessera.auth.internal import Internal
from tessera.problems import Unavailable
from tessera.settings import Bindings

REALM = "conduit"
_PATH = "/accounts/internal/realm"
# A password is hashed meanwhile, and others may be waiting for that.
HASH_SECONDS = 8.0


class Refused(Exception):
    """What accounts does not take, by field: `{"username": "taken"}`."""

    def __init__(self, status: int, faults: dict[str, str]) -> None:
        super().__init__(str(faults))
        self.status, self.faults = status, faults


@dataclass(frozen=True)
class Known:
    """Somebody as accounts knows them. `token` is there where one was asked for."""

    user_id: str
    username: str | None
    name: str | None
    email: str | None
    realm: str | None
    epoch: int
    is_active: bool = True
    token: str | None = None


class Accounts:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def register(self, username: str, email: str, password: str, call: Call) -> Known:
        """A new account of the realm, with a token. 1 internal call. Raises `Refused`."""
        body = {"username": username, "email": email, "password": password}
        return self._asked("POST", "/users", body, call)

    def authenticate(self, email: str, password: str, call: Call) -> Known:
        """Somebody by their password, with a token. 1 internal call. Raises `Refused`."""
        return self._asked("POST", "/authenticate", {"email": email, "password": password}, call)

    def update(self, user_id: str, fields: dict[str, str], call: Call) -> Known:
        """Change name, address or password; a new password makes every token stale. 1 internal call.

        Raises `Refused`.
        """
        return self._asked("POST", f"/users/{user_id}/update", fields, call)

    def mint(self, user_id: str, call: Call) -> Known:
        """Another token of the realm. 1 internal call. Raises `Refused`."""
        return self._asked("POST", f"/users/{user_id}/mint", {}, call)

    def find(self, user_id: str) -> Known | None:
        """Who this is; None for nobody, and while accounts does not answer. 1 internal call."""
        try:
            answer = self._internal.call("accounts", "GET", f"{_PATH}/users/{user_id}")
        except Unavailable:
            return None
        return _known(answer.json()) if answer.ok else None

    def _asked(self, method: str, path: str, body: dict[str, str], call: Call) -> Known:
        answer = self._internal.call("accounts", method, _PATH + path, json=body, for_call=call, timeout=HASH_SECONDS)
        found = answer.json() or {}
        if answer.ok:
            return _known(found)
        if answer.status == 429:
            raise Refused(429, {"retry_after": answer.headers.get("retry-after", "60")})
        if answer.status >= 500:
            raise Unavailable("Accounts do not answer right now.")
        faults = {str(one["pointer"]).strip("/"): str(one["detail"]) for one in found.get("errors", ())}
        raise Refused(answer.status, faults or {"body": str(found.get("detail", ""))})


def _known(found: dict[str, Any]) -> Known:
    told: dict[str, Any] = {name: found.get(name) for name in Known.__dataclass_fields__}
    return Known(**told)
