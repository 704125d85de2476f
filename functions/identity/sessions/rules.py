"""What a browser's session is, how long it lives, and which ones make room for another. Pure decisions.

Problem
├── ExchangeInvalid     400 exchange-invalid      one answer for a wrong code, a used one and a wrong verifier
├── SessionReplaced     409 session-replaced      ask again with the cookies that came meanwhile
├── SigningUnavailable  503 signing-unavailable
└── Refused             401, with its challenge
    ├── SessionOver     401 session-over          one answer for no session, an ended one and one that ran out
    ├── LoginFailed     401 login-failed
    ├── MfaFailed       401 mfa-failed
    ├── MfaTokenInvalid 401 mfa-token-invalid
    └── PasskeyUnknown  401 passkey-unknown
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from tessera.problems import Problem

EXCHANGE_LIFE = timedelta(seconds=60)
# For so long a request that was under way with the replaced cookie is told to ask again.
REPLACED_LIFE = timedelta(seconds=60)
# Longer than a code and the second factor asked for behind it can wait together.
OVER_LIFE = timedelta(hours=1)
DEVICE_LIFE = timedelta(days=180)
# `accounts` signs no token for less.
SHORTEST_TOKEN_SECONDS = 60


class ExchangeInvalid(Problem):
    status, slug, title = 400, "exchange-invalid", "This sign-in cannot be finished"

    def __init__(self) -> None:
        super().__init__("A code works once, for a minute, in the browser that asked for it. Sign in again.")


class SessionReplaced(Problem):
    """No sign-out: another tab has the session's new cookies, and this one shares them."""

    status, slug, title = 409, "session-replaced", "This session has new cookies"

    def __init__(self) -> None:
        super().__init__("They came with another answer. Send the request again.")


class SigningUnavailable(Problem):
    status, slug, title = 503, "signing-unavailable", "Nobody can sign in right now"

    def __init__(self, detail: str = "Try again in a second. Who is signed in stays so.") -> None:
        super().__init__(detail, headers={"Retry-After": "1"})


class Refused(Problem):
    """A 401 that carries the challenge HTTP asks for (RFC 9110 15.5.2)."""

    status, slug, title = 401, "login-failed", "The address or the password is not right"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="tessera"'})


class SessionOver(Refused):
    slug, title = "session-over", "You are not signed in"

    def __init__(self) -> None:
        super().__init__("Sign in at POST /sessions/login.")


class LoginFailed(Refused):
    pass


class MfaFailed(Refused):
    slug, title = "mfa-failed", "The second factor is not right"


class MfaTokenInvalid(Refused):
    slug, title = "mfa-token-invalid", "This sign-in cannot be finished any more"


class PasskeyUnknown(Refused):
    slug, title = "passkey-unknown", "This passkey opens no account here"


@dataclass(frozen=True)
class Lives:
    """How long a session lasts, in milliseconds: without being renewed, and at all."""

    idle: int
    absolute: int


@dataclass(frozen=True)
class Proof:
    """Who somebody has shown to be, how, and when (seconds since 1970). `epoch` is the user's at that time."""

    user_id: str
    amr: frozenset[str]
    aal: int
    auth_time: int
    epoch: int | None = None


@dataclass(frozen=True)
class Wish:
    """What the browser asks for with a sign-in, and where it comes from."""

    remember: bool = False
    client_id: str = "web"
    device_name: str | None = None
    network: str | None = None


@dataclass(frozen=True)
class Session:
    """`hash` stands for the cookie's secret. Times are milliseconds since 1970, `auth_time` is in seconds.

    `proved` is when its user last showed who they are, by this capability's own clock.
    """

    id: str
    hash: str
    user_id: str
    epoch: int
    amr: frozenset[str]
    aal: int
    auth_time: int
    proved: int
    created: int
    seen: int
    idle_life: int
    idle_until: int
    ends_at: int
    remember: bool
    client_id: str
    device: str | None
    network: str | None
    user: Mapping[str, Any]

    @property
    def expires_at(self) -> int:
        """When it is over unless it is renewed."""
        return min(self.idle_until, self.ends_at)

    def is_live(self, now: int) -> bool:
        return now < self.expires_at

    def token_seconds(self, now: int, usual: int) -> int | None:
        """How long its next access token may live, so that none outlives it by much; None for the usual time."""
        left = (self.ends_at - now) // 1000
        return None if left >= usual else max(SHORTEST_TOKEN_SECONDS, left)

    def as_user_is(self, epoch: int, user: Mapping[str, Any]) -> "Session":
        return replace(self, epoch=epoch, user=user)

    def proved_again(self, proof: Proof, now: int) -> "Session":
        """After another proof: what was shown before still counts."""
        amr, aal = self.amr | proof.amr, max(self.aal, proof.aal)
        return replace(self, amr=amr, aal=aal, auth_time=proof.auth_time, proved=now)

    def under(self, secret_hash: str) -> "Session":
        """The same session for another cookie."""
        return replace(self, hash=secret_hash)


def begun(
    session_id: str,
    secret_hash: str,
    proof: Proof,
    wish: Wish,
    lives: Lives,
    *,
    epoch: int,
    user: Mapping[str, Any],
    now: int,
) -> Session:
    """A session that begins now."""
    return Session(
        id=session_id,
        hash=secret_hash,
        user_id=proof.user_id,
        epoch=epoch,
        amr=proof.amr,
        aal=proof.aal,
        auth_time=proof.auth_time,
        proved=now,
        created=now,
        seen=now,
        idle_life=lives.idle,
        idle_until=now + lives.idle,
        ends_at=now + lives.absolute,
        remember=wish.remember,
        client_id=wish.client_id,
        device=wish.device_name,
        network=wish.network,
        user=user,
    )


def leaving(open_ids: frozenset[str], live_ids: frozenset[str], *, at_most: int) -> frozenset[str]:
    """Which sessions end so that one more may begin: all that are over, then the oldest.

    Ids sort by the time they were made.
    """
    live = sorted(open_ids & live_ids)
    surplus = max(0, len(live) - (at_most - 1))
    return (open_ids - live_ids) | frozenset(live[:surplus])
