"""What is asked of `accounts` and `sessions`: they alone know users, and open and end their sessions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tessera.auth.call import Call
from tessera.auth.internal import Answer, Internal
from tessera.auth.principal import Principal
from tessera.auth.problems import FactorRequired, StepUpRequired
from tessera.problems import InvalidRequest, Unavailable
from tessera.settings import Bindings

from .rules.problems import LoginFailed, SignUpClosed

PREFIX = "/accounts/internal"
ORDINARY = frozenset(["user", "guest"])
# Somebody waits for the end of a sign-in anyway, so this is as long as the start of a function that was not needed
# for a while. An account whose answer was given up is found again by the name it was asked for under.
SECONDS = 8.0
# Whoever changes the ways in has shown who they are within so many seconds.
JUST_NOW = 300


@dataclass(frozen=True)
class Standing:
    """How a user stands this moment."""

    may_sign_in: bool
    factors: frozenset[str] = frozenset()
    has_password: bool = False
    # More than an ordinary user: whoever may set a provider up must not become somebody of higher rank by it.
    is_staff: bool = False


@dataclass(frozen=True)
class Proof:
    """Who somebody has shown to be, and how; `auth_time` is in seconds since 1970."""

    user_id: str
    amr: tuple[str, ...]
    aal: int
    auth_time: int

    def body(self) -> dict[str, Any]:
        return {"user_id": self.user_id, "amr": list(self.amr), "aal": self.aal, "auth_time": self.auth_time}


class Accounts:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def standing(self, user_id: str, *, call: Call | None = None) -> Standing:
        """1 internal call. Who is locked or gone may not sign in; who is about to be deleted may, and then stays."""
        found = self._internal.call("accounts", "GET", f"{PREFIX}/users/{user_id}", for_call=call, timeout=SECONDS)
        if found.status == 404:
            return Standing(False)
        told = _content(found)
        factors = frozenset(map(str, told.get("factors") or ()))
        return Standing(
            told.get("status") in ("active", "deleting"),
            factors,
            bool(told.get("has_password")),
            is_staff=not ORDINARY.issuperset(told.get("roles") or ()),
        )

    def require_factor(self, caller: Principal, *, from_everybody: bool, call: Call) -> None:
        """At most 1 internal call.

        Raises `StepUpRequired` for who has a second factor and has not shown it, `FactorRequired` for who has none
        where everybody needs one.
        """
        if caller.aal >= 2:
            return
        if self.standing(str(caller.user_id), call=call).factors:
            raise StepUpRequired(aal=2, max_age=JUST_NOW)
        if from_everybody:
            raise FactorRequired()

    def by_email(
        self, email: str, *, name: str | None, locale: str | None, attempt: str | None, call: Call
    ) -> tuple[str, bool] | None:
        """The user with this verified address, and whether they were made under this name, now or when it was last
        asked under; without a name none is made, and None comes back for nobody.

        1 internal call. Raises `InvalidRequest` for an address that nobody can have, `SignUpClosed`.
        """
        body: dict[str, Any] = {"email": email, "email_verified": True}
        body |= {key: value for key, value in (("name", name), ("locale", locale)) if value is not None}
        body |= {"create": False} if attempt is None else {"attempt": attempt}
        found = self._internal.call(
            "accounts", "POST", f"{PREFIX}/identities", json=body, for_call=call, timeout=SECONDS
        )
        if found.status == 404 and attempt is None:
            return None
        if found.status == 403:
            raise SignUpClosed()
        if found.status == 422:
            raise InvalidRequest("The address cannot be used here.")
        told = _content(found)
        return str(told["user_id"]), bool(told["created"])

    def tokens(self, proof: Proof, *, client_id: str, device_name: str | None, call: Call) -> dict[str, Any]:
        """A pair of tokens, or what is still missing. 1 internal call. Raises `LoginFailed`."""
        body = {**proof.body(), "client_id": client_id}
        if device_name is not None:
            body["device_name"] = device_name
        found = self._internal.call("accounts", "POST", f"{PREFIX}/tokens", json=body, for_call=call, timeout=SECONDS)
        if found.status in (401, 403, 404, 409):
            raise LoginFailed()
        if found.status == 422:
            raise InvalidRequest("Name a known client.")
        return _content(found)

    def mail(self, to: str, template: str, *, locale: str | None, secret: Mapping[str, str]) -> None:
        """1 internal call."""
        body: dict[str, Any] = {"to": to, "template": template, "secret": dict(secret)}
        if locale is not None:
            body["locale"] = locale
        _content(self._internal.call("accounts", "POST", f"{PREFIX}/mail", json=body, timeout=SECONDS))

    def end_session(self, user_id: str, session_id: str) -> None:
        """End what was opened with tokens, or will be. 1 internal call."""
        body = {"user_id": user_id, "session_id": session_id}
        _gone_is_fine(
            self._internal.call("accounts", "POST", f"{PREFIX}/provider-session/end", json=body, timeout=SECONDS)
        )


class Sessions:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def code(self, proof: Proof, *, session_id: str, challenge: str, call: Call) -> str:
        """A code that its browser changes for the session of this id. 1 internal call."""
        body = {**proof.body(), "session_id": session_id, "verifier_challenge": challenge}
        path = "/sessions/internal/exchange-code"
        return str(
            _content(self._internal.call("sessions", "POST", path, json=body, for_call=call, timeout=SECONDS))["code"]
        )

    def end_session(self, user_id: str, session_id: str) -> None:
        """End what was opened with a cookie, or will be. 1 internal call."""
        body = {"user_id": user_id, "session_id": session_id}
        path = "/sessions/internal/provider-session/end"
        _gone_is_fine(self._internal.call("sessions", "POST", path, json=body, timeout=SECONDS))


def _content(answer: Answer) -> dict[str, Any]:
    if not answer.ok:
        raise Unavailable("Your account cannot be reached right now. Try again in a moment.")
    found: dict[str, Any] = answer.json() or {}
    return found


def _gone_is_fine(answer: Answer) -> None:
    if answer.status not in (404, 409):
        _content(answer)
