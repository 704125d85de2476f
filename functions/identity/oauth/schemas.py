"""Bodies, in and out."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tessera.types import In, Instant, Name, Out, Ulid, text

from .rules.providers import PATTERN, Kind

# 256 bits in base64url: what S256 makes, and what we make ourselves.
Challenge = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$", min_length=43, max_length=43)]
Secret43 = Challenge
Verifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{43,128}$", min_length=43, max_length=128)]
ReturnTo = Annotated[str, StringConstraints(min_length=8, max_length=2_000)]
ClientId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", min_length=1, max_length=40)]
DeviceName = Annotated[str, text(80)]
EmailText = Annotated[str, StringConstraints(min_length=3, max_length=320)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$", min_length=6, max_length=6)]
ProviderId = Annotated[str, StringConstraints(pattern=PATTERN, min_length=2, max_length=32)]
Short = Annotated[str, Field(max_length=300)]
TokenText = Annotated[str, Field(max_length=4_096)]
Url = Annotated[str, StringConstraints(min_length=8, max_length=500)]
Word = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", min_length=1, max_length=200)]
Line = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$", max_length=500)]
Words = Annotated[list[Word], Field(max_length=30)]
Icon = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$", min_length=1, max_length=40)]


class ListedOut(Out):
    id: ProviderId
    name: Short
    kind: Kind
    icon: Short | None


class ProvidersOut(Out):
    items: Annotated[list[ListedOut], Field(max_length=120)]


class StartIn(In):
    """`exchange_challenge` is S256 of a verifier that only the client knows, and shows at the end."""

    return_to: ReturnTo
    mode: Literal["login", "link"] = "login"
    delivery: Literal["cookie", "token"] = "token"
    exchange_challenge: Challenge


class StartedOut(Out):
    authorization_url: Annotated[str, Field(max_length=8_000)]
    expires_at: Instant


class ExchangeIn(In):
    code: Secret43
    exchange_verifier: Verifier
    client_id: ClientId = "web"
    device_name: DeviceName | None = None


class UserOut(Out):
    id: Ulid
    email: EmailText | None
    name: Short | None
    handle: Short | None
    avatar_file_id: Ulid | None
    roles: Annotated[list[Short], Field(max_length=20)]


class TokensOut(Out):
    """A pair of tokens, as any other sign-in gives."""

    status: Literal["ok"] = "ok"
    token_type: Literal["Bearer"] = "Bearer"
    access_token: TokenText
    expires_in: int
    session_id: Ulid
    refresh_token: TokenText
    refresh_expires_in: int
    device_token: TokenText | None = None
    user: UserOut | None = None


class FactorNeededOut(Out):
    """Go on at `POST /accounts/login/mfa`, or at `POST /sessions/login/mfa` for a cookie."""

    status: Literal["mfa_required"] = "mfa_required"
    mfa_token: TokenText
    methods: Annotated[list[Short], Field(max_length=6)]


class LinkNeededOut(Out):
    """The address has an account: sign in to it, then `POST /oauth/link/confirm`."""

    status: Literal["link_required"] = "link_required"
    link_ticket: Secret43
    provider: ProviderId
    email_hint: Short | None


class EmailNeededOut(Out):
    """The provider has no verified address: go on at `POST /oauth/email`."""

    status: Literal["email_required"] = "email_required"
    ticket: Secret43
    provider: ProviderId


class LinkedOut(Out):
    status: Literal["linked"] = "linked"
    provider: ProviderId
    identity_id: Ulid


class ContinueOut(Out):
    """Change this code at `POST /sessions/exchange`, with the same verifier."""

    status: Literal["continue"] = "continue"
    code: Annotated[str, Field(max_length=200)]


class EmailIn(In):
    ticket: Secret43
    email: EmailText


class EmailSentOut(Out):
    expires_at: Instant


class EmailConfirmIn(In):
    ticket: Secret43
    code: Code
    client_id: ClientId = "web"
    device_name: DeviceName | None = None


class LinkIn(In):
    link_ticket: Secret43


class IdentityOut(Out):
    """`label` is enough to know it by: `a…@example.com`."""

    id: Ulid
    provider: ProviderId
    label: Short
    linked_at: Instant


class IdentitiesOut(Out):
    items: Annotated[list[IdentityOut], Field(max_length=20)]


class EndpointsIn(In):
    """Where a provider without discovery is to be asked; for one with it, what is to be said otherwise."""

    authorization: Url | None = None
    token: Url | None = None
    userinfo: Url | None = None
    emails: Url | None = None
    jwks: Url | None = None
    revocation: Url | None = None


class ClaimsIn(In):
    """What the provider calls each of these."""

    sub: Word | None = None
    email: Word | None = None
    email_verified: Word | None = None
    name: Word | None = None
    locale: Word | None = None


class ProviderIn(In):
    """`client_secret` is only ever written; left out, the one that is there stays. For Apple and for
    `private_key_jwt` it is a private key as PEM."""

    name: Name
    kind: Kind
    icon: Icon | None = None
    enabled: bool = True
    client_id: Word
    client_secret: Annotated[str, StringConstraints(min_length=1, max_length=3_000)] | None = None
    issuer: Url | None = None
    discovery_url: Url | None = None
    scopes: Words | None = None
    response_mode: Literal["query", "form_post"] | None = None
    token_auth: Literal["basic", "post", "private_key_jwt", "none"] | None = None
    pkce: Literal["required", "best_effort"] | None = None
    claims_map: ClaimsIn | None = None
    endpoints: EndpointsIn | None = None
    trust_email: bool | None = None
    link_policy: Literal["confirm", "auto_verified", "never"] | None = None
    allow_sign_up: bool | None = None
    ask_email: bool | None = None
    allowed_hosted_domains: Words | None = None
    allowed_tenants: Words | None = None
    extra_params: Annotated[dict[Word, Line], Field(max_length=20)] | None = None
    store_tokens: bool | None = None
    backchannel_logout: bool | None = None
    clock_skew_s: Annotated[int, Field(ge=0, le=300)] | None = None
    algs: Annotated[list[Literal["RS256", "PS256", "ES256", "EdDSA"]], Field(min_length=1, max_length=4)] | None = None
    mfa_amr: Words | None = None
    mfa_acr: Words | None = None
    team_id: Word | None = None
    key_id: Word | None = None


class ProviderOut(Out):
    """The secret is never shown: only whether there is one."""

    id: ProviderId
    name: Short
    kind: Kind
    icon: Short | None
    enabled: bool
    built_in: bool
    client_id: Short
    has_secret: bool
    redirect_uri: Annotated[str, Field(max_length=500)]
    issuer: Annotated[str, Field(max_length=500)]
    discovery_url: Annotated[str, Field(max_length=500)] | None
    scopes: Annotated[list[Short], Field(max_length=30)]
    response_mode: Short
    token_auth: Short
    pkce: Short
    claims_map: Annotated[dict[Short, Short], Field(max_length=10)]
    endpoints: Annotated[dict[Short, Annotated[str, Field(max_length=500)]], Field(max_length=10)]
    trust_email: bool
    link_policy: Short
    allow_sign_up: bool
    ask_email: bool
    allowed_hosted_domains: Annotated[list[Short], Field(max_length=30)]
    allowed_tenants: Annotated[list[Short], Field(max_length=30)]
    extra_params: Annotated[dict[Short, Annotated[str, Field(max_length=500)]], Field(max_length=20)]
    store_tokens: bool
    backchannel_logout: bool
    clock_skew_s: int
    algs: Annotated[list[Short], Field(max_length=4)]
    mfa_amr: Annotated[list[Short], Field(max_length=30)]
    mfa_acr: Annotated[list[Short], Field(max_length=30)]
    team_id: Short | None
    key_id: Short | None


class ManagedOut(Out):
    id: ProviderId
    name: Short
    kind: Kind
    icon: Short | None
    enabled: bool
    built_in: bool


class ManagedProvidersOut(Out):
    items: Annotated[list[ManagedOut], Field(max_length=120)]


class CheckOut(Out):
    name: Short
    ok: bool
    detail: Annotated[str, Field(max_length=3_000)]


class TestOut(Out):
    ok: bool
    checks: Annotated[list[CheckOut], Field(max_length=10)]


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Annotated[int, Field(ge=0)]
