"""Bodies of the internal routes: what our own services ask of accounts."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from tessera.types import In, Instant, Name, Out, Params, Ulid, text

from .factor_schemas import MfaIn, MfaRequiredOut, ReauthenticateIn
from .schemas import (
    ClientId,
    DeviceName,
    EmailText,
    Few,
    Locale,
    Role,
    Secret,
    SeenIn,
    Short,
    Status,
    TokenText,
    UserOut,
)

Methods = Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=12)]
Month = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", max_length=7)]
Place = Annotated[str, Field(max_length=600)]


def _is_true(flag: bool) -> bool:
    # `Literal[True]` would take 1 for it.
    if not flag:
        raise ValueError("only a verified address counts")
    return flag


class ProofOut(Out):
    """Who somebody has shown to be, how, and when (seconds since 1970); `epoch` is the user's at that moment."""

    user_id: Ulid
    amr: Methods
    aal: int
    auth_time: int
    epoch: int


class ProvenOut(Out):
    """`session_id` is what the session is called whose second factor this was."""

    status: Literal["ok"] = "ok"
    proof: ProofOut
    device_token: TokenText | None = None
    session_id: Ulid | None = None


class PendingOut(MfaRequiredOut):
    """`session_id` is what the session will be called that the second factor opens."""

    session_id: Ulid


class OutsideIn(In):
    """What somebody has shown to a provider outside; a second factor of ours may be needed besides."""

    user_id: Ulid
    amr: Methods
    aal: Annotated[int, Field(ge=1, le=2)]
    auth_time: int
    client_id: ClientId = "web"
    device_name: DeviceName | None = None


class NamedOutsideIn(OutsideIn):
    """`session_id` is what the session will be called, also when a second factor comes first."""

    session_id: Ulid | None = None


class ProveIn(ReauthenticateIn):
    user_id: Ulid


class DeviceMfaIn(MfaIn):
    client_id: ClientId = "web"
    device_name: DeviceName | None = None


class MintIn(In):
    user_id: Ulid
    session_id: Ulid
    client_id: ClientId = "web"
    amr: Methods
    aal: Annotated[int, Field(ge=1, le=2)]
    auth_time: int
    scope: Annotated[str, Field(max_length=1_000)] | None = None
    expires_in: Annotated[int, Field(ge=60, le=900)] | None = None
    organisation_id: Ulid | None = None


class MintedOut(Out):
    """`ended_at` (milliseconds since 1970) is when every session of the user but `kept_session_id` was ended last."""

    access_token: TokenText
    expires_in: int
    user: UserOut
    epoch: int
    ended_at: int | None = None
    kept_session_id: Ulid | None = None


class SubscriptionIn(In):
    """`topic` is held by the hub, which asks."""

    user_id: Ulid
    topic: Annotated[str, Field(min_length=1, max_length=160)]
    expires_in: Annotated[int, Field(ge=10, le=3_600)]


class SubscriptionOut(Out):
    token: TokenText
    expires_at: int


class ImpersonateIn(SeenIn):
    """`permissions` are all that the token may hold of what roles defined here add."""

    user_id: Ulid
    session_id: Ulid
    actor_id: Ulid
    actor_session_id: Annotated[str, Field(max_length=40)]
    actor_epoch: Annotated[int, Field(ge=0)] = 0
    write: bool = False
    permissions: Annotated[list[Short], Field(max_length=300)] | None = None


class ImpersonatedOut(Out):
    access_token: TokenText
    expires_in: int


class FullUserOut(UserOut):
    """With what only staff and our own services see."""

    epoch: int
    version: int
    plan: Short
    factors: Few
    has_password: bool
    locked_until: Instant | None = None
    deleted_at: Instant | None = None


class StateOut(Out):
    """`permissions` are those that custom roles add."""

    status: Status
    epoch: int
    roles: Few
    permissions: Annotated[list[Short], Field(max_length=300)]
    plan: Short
    mfa: Few


class SearchParams(Params):
    email: EmailText | None = None
    email_prefix: Annotated[str, StringConstraints(min_length=2, max_length=100)] | None = None
    status: Status | None = None
    role: Role | None = None
    created_month: Month | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    after: Place | None = None


class FoundOut(Out):
    items: Annotated[list[FullUserOut], Field(max_length=100)]
    after: Place | None = None


class NewUserIn(In):
    """`password_hash` is a hash as another system has kept it; it is replaced when the user signs in."""

    email: EmailText
    name: Name | None = None
    locale: Locale | None = None
    roles: Annotated[list[Role], Field(max_length=10, default_factory=list)]
    password: Secret | None = None
    password_hash: Annotated[str, Field(max_length=500)] | None = None


class IdentityIn(In):
    """Only an address that the provider has verified. Without `create`, one that nobody has is not found.

    `attempt` names the user that is to be made: who asks again under the same name, because no answer came, is told
    that it was made.
    """

    email: EmailText
    email_verified: Annotated[bool, AfterValidator(_is_true)]
    name: Name | None = None
    locale: Locale | None = None
    create: bool = True
    attempt: Ulid | None = None


class ProviderEndIn(In):
    user_id: Ulid
    session_id: Ulid


class IdentityOut(Out):
    user_id: Ulid
    created: bool


class BootstrapIn(In):
    email: EmailText


class MailIn(In):
    """`secret` is sealed before it goes on its way."""

    to: EmailText
    template: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
    locale: Locale | None = None
    data: Annotated[
        dict[Annotated[str, StringConstraints(max_length=60)], Annotated[str, text(1_000)]], Field(default_factory=dict)
    ]
    secret: dict[Annotated[str, StringConstraints(max_length=60)], Annotated[str, text(2_000)]] | None = None


class EmailIn(SeenIn):
    email: EmailText


class ProfilesIn(In):
    ids: Annotated[list[Ulid], Field(min_length=1, max_length=100)]


class ErasureIn(In):
    owner_id: Ulid


class DeleteIn(SeenIn):
    now: bool = False
