"""Bodies, in and out."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from tessera.types import In, Instant, Out, Ulid, text

Secret = Annotated[str, StringConstraints(min_length=1, max_length=1_024)]
EmailText = Annotated[str, StringConstraints(min_length=3, max_length=320)]
ClientId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", min_length=1, max_length=40)]
DeviceName = Annotated[str, text(80)]
Short = Annotated[str, Field(max_length=300)]
TokenText = Annotated[str, StringConstraints(min_length=1, max_length=4_096)]
Method = Annotated[str, Field(max_length=20)]
Methods = Annotated[list[Method], Field(max_length=12)]
# What a person types: six digits, or a recovery code with its hyphens.
Code = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Factor = Literal["totp", "recovery", "passkey"]
# As `PublicKeyCredential.toJSON()` gives it; `accounts` reads it.
Credential = Annotated[
    dict[Annotated[str, StringConstraints(max_length=60)], Any], Field(max_length=20, description="A WebAuthn answer.")
]
OneTimeCode = Annotated[str, StringConstraints(min_length=1, max_length=200)]
# RFC 7636 4.1
Verifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]+$", min_length=43, max_length=128)]
Challenge = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$", min_length=43, max_length=43)]
Seconds = Annotated[int, Field(ge=0, le=10**11)]


class WishIn(In):
    """`remember` keeps the session when the browser closes: up to 60 days, or 14 without a visit."""

    remember: bool = False
    client_id: ClientId = "web"
    device_name: DeviceName | None = None


class LoginIn(WishIn):
    email: EmailText
    password: Secret


class MfaIn(WishIn):
    """`code` for a code, `credential` for a passkey."""

    mfa_token: TokenText
    method: Factor
    code: Code | None = None
    credential: Credential | None = None


class PasskeyIn(WishIn):
    """The answer to the options of `POST /accounts/login/passkey/options`."""

    challenge_id: Ulid
    credential: Credential


class ExchangeIn(WishIn):
    """The code of the address a provider sent the browser back to, and the verifier its page had kept."""

    code: OneTimeCode
    exchange_verifier: Verifier


class ReauthenticateIn(In):
    """A password, or a `method` with its `code` or `credential`."""

    password: Secret | None = None
    method: Factor | None = None
    code: Code | None = None
    challenge_id: Ulid | None = None
    credential: Credential | None = None


class UserOut(Out):
    id: Ulid
    email: EmailText | None = None
    name: Short | None = None
    handle: Short | None = None
    locale: Short | None = None
    avatar_file_id: Ulid | None = None
    roles: Annotated[list[Short], Field(max_length=20)]


class CurrentOut(Out):
    """`csrf_token` goes into `X-CSRF-Token` of every change a page of another origin asks for. The session is over
    at `expires_at` unless it is renewed, and at `ends_at` in any case."""

    user: UserOut
    session_id: Ulid
    aal: int
    amr: Methods
    authenticated_at: Instant
    expires_at: Instant
    ends_at: Instant
    csrf_token: Short


class SignedInOut(CurrentOut):
    """The access cookie is good for `access_seconds`; renew it before."""

    access_seconds: int


class FactorNeededOut(Out):
    status: Literal["mfa_required"] = "mfa_required"
    mfa_token: TokenText
    methods: Methods


class SessionOut(Out):
    """`place` is the network the sign-in came from, cut short."""

    id: Ulid
    client_id: Short
    device_name: Short | None
    place: Short | None
    aal: int
    remember: bool
    created_at: Instant
    last_seen_at: Instant
    expires_at: Instant
    current: bool


class SessionsOut(Out):
    items: Annotated[list[SessionOut], Field(max_length=20)]


class ExchangeCodeIn(In):
    """How somebody has shown to a provider who they are (seconds since 1970), and whose code it is to be.

    `session_id` is what the session will be called.
    """

    user_id: Ulid
    session_id: Ulid
    amr: Methods
    aal: Annotated[int, Field(ge=1, le=2)]
    auth_time: Seconds
    verifier_challenge: Challenge


class ExchangeCodeOut(Out):
    code: Short


class OfIn(In):
    user_id: Ulid


class OpenOut(Out):
    id: Ulid
    device: Short | None
    place: Short | None
    created_at: Instant
    last_seen_at: Instant
    expires_at: Instant


class OpenSessionsOut(Out):
    items: Annotated[list[OpenOut], Field(max_length=20)]


class EndIn(In):
    """One session, or `all` of them."""

    user_id: Ulid
    session_id: Ulid | None = None
    all: bool = False


class OneIn(In):
    user_id: Ulid
    session_id: Ulid


class MovedOut(Out):
    set_cookies: Annotated[list[Annotated[str, Field(max_length=4_300)]], Field(max_length=5)]


class EndedOut(Out):
    ended: int


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Annotated[int, Field(ge=0)]
