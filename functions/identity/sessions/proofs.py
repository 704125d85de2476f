"""Who somebody is, asked of `accounts`: it checks what they show, counts their attempts and signs their tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from pydantic import ConfigDict

from tessera import log
from tessera.auth.call import Call
from tessera.auth.cookies import DEVICE_COOKIE, cookie_of
from tessera.auth.internal import Answer, Internal
from tessera.auth.problems import AttemptsExhausted, RateLimited
from tessera.problems import FieldError, InvalidRequest, Unavailable
from tessera.settings import Bindings
from tessera.types import Model

from .rules import (
    LoginFailed,
    MfaFailed,
    MfaTokenInvalid,
    PasskeyUnknown,
    Proof,
    Refused,
    Session,
    SigningUnavailable,
    Wish,
)

# A password takes its time, and the callee may have to start first.
TIMEOUT_SECONDS = 12
DEVICE_HEADER = "x-device-token"
REFUSALS: dict[str, type[Refused]] = {
    kind.slug: kind for kind in (LoginFailed, MfaFailed, MfaTokenInvalid, PasskeyUnknown)
}
# What browsers are shown of a user; the rest of the account is at `/accounts/me`.
SHOWN = ("id", "email", "name", "handle", "locale", "avatar_file_id", "roles")


class UserGone(Exception):
    """The account was deleted, or may not sign in."""


@dataclass(frozen=True)
class Proven:
    """`device_token` comes when the device is new, `session_id` when the session has a name already."""

    proof: Proof
    device_token: str | None = None
    session_id: str | None = None


@dataclass(frozen=True)
class FactorNeeded:
    """The first factor was right, and is not enough."""

    mfa_token: str
    methods: tuple[str, ...]


@dataclass(frozen=True)
class Minted:
    """`ended_at` is when every session of the user but the kept one was ended last (milliseconds since 1970)."""

    access_token: str
    expires_in: int
    epoch: int
    user: dict[str, Any]
    ended_at: int | None = None
    kept_session_id: str | None = None

    def ends(self, session: Session) -> bool:
        """Whether this session was ended where nobody has told us of it yet."""
        is_older = self.ended_at is not None and session.proved < self.ended_at
        return is_older and session.id != self.kept_session_id


class _Read(Model):
    model_config = ConfigDict(frozen=True)


class _Proof(_Read):
    user_id: str
    amr: list[str]
    aal: int
    auth_time: int
    epoch: int | None = None

    def plain(self) -> Proof:
        return Proof(self.user_id, frozenset(self.amr), self.aal, self.auth_time, self.epoch)


class _Answered(_Read):
    status: str = "ok"
    proof: _Proof | None = None
    device_token: str | None = None
    session_id: str | None = None
    mfa_token: str = ""
    methods: tuple[str, ...] = ()


class _Minted(_Read):
    access_token: str
    expires_in: int
    user: dict[str, Any]
    epoch: int
    ended_at: int | None = None
    kept_session_id: str | None = None


class Accounts:
    """Each method is 1 internal call, and raises `Unavailable` when nobody answers it."""

    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def authenticate(self, how: str, shown: Mapping[str, Any], *, call: Call) -> Proven | FactorNeeded:
        """`how` is "", "mfa", "passkey" or "outside", after which the internal route is called.

        Raises `LoginFailed`, `MfaFailed`, `MfaTokenInvalid`, `PasskeyUnknown`, `LimitExceeded`, `InvalidRequest`.
        """
        path = f"authenticate/{how}" if how else "authenticate"
        found = _Answered.model_validate(self._ask(path, shown, call=call))
        if found.proof is None:
            return FactorNeeded(found.mfa_token, found.methods)
        return Proven(found.proof.plain(), found.device_token, found.session_id)

    def prove_again(self, user_id: str, shown: Mapping[str, Any], *, call: Call) -> Proof:
        """Raises what `authenticate` raises."""
        found = _Answered.model_validate(self._ask("reauthenticate", {"user_id": user_id, **shown}, call=call))
        if found.proof is None or found.proof.user_id != user_id:
            raise LoginFailed("This did not prove who you are.")
        return found.proof.plain()

    def mint(
        self, session_id: str, proof: Proof, wish: Wish | Session, *, call: Call, seconds: int | None = None
    ) -> Minted:
        """An access token of this session. Raises `UserGone`, `SigningUnavailable`."""
        asked = {
            "user_id": proof.user_id,
            "session_id": session_id,
            "client_id": wish.client_id,
            "amr": sorted(proof.amr),
            "aal": proof.aal,
            "auth_time": proof.auth_time,
            **({"expires_in": seconds} if seconds is not None else {}),
        }
        found = _Minted.model_validate(self._ask("mint", asked, call=call))
        user = {name: found.user.get(name) for name in SHOWN}
        return Minted(found.access_token, found.expires_in, found.epoch, user, found.ended_at, found.kept_session_id)

    def _ask(self, path: str, asked: Mapping[str, Any], *, call: Call) -> Any:
        answer = self._internal.call(
            "accounts",
            "POST",
            f"/accounts/internal/{path}",
            json={name: value for name, value in asked.items() if value is not None},
            for_call=_with_device(call),
            timeout=TIMEOUT_SECONDS,
        )
        if answer.ok:
            return answer.json()
        raise _refusal(answer)


def _with_device(call: Call) -> Call:
    """The call with the device's cookie as the header by which `accounts` knows devices."""
    token = cookie_of(call, DEVICE_COOKIE)
    return replace(call, headers=(*call.headers, (DEVICE_HEADER, token))) if token else call


def _refusal(answer: Answer) -> Exception:
    """What `accounts` refused with, as our own: its words are meant for whoever asked."""
    found = _document(answer)
    slug, detail = str(found.get("type", "")).removeprefix("/problems/"), str(found.get("detail", ""))
    if slug in REFUSALS:
        return REFUSALS[slug](detail)
    if slug in ("not-found", "not-active"):
        return UserGone(slug)
    if answer.status == 429:
        retry_after = int(answer.headers.get("retry-after", "1"))
        return AttemptsExhausted(retry_after) if slug == AttemptsExhausted.slug else RateLimited(retry_after)
    if slug == SigningUnavailable.slug:
        return SigningUnavailable(detail)
    if slug == InvalidRequest.slug:
        faults = [FieldError(str(fault["pointer"]), str(fault["detail"])) for fault in found.get("errors", ())]
        return InvalidRequest(detail, errors=faults)
    log.current().cause = f"accounts: {answer.status} {slug}"
    return Unavailable("Nobody can sign in right now.")


def _document(answer: Answer) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
