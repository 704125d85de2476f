"""Bodies, in and out."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from tessera.types import Cursor, In, Instant, Limit, Name, Out, Params, Patch, Ulid, ZoneName, absent, text

# Bounded here and judged by `passwords`, which names the rule. No NFC and no trimming: it is a secret.
Secret = Annotated[str, StringConstraints(min_length=1, max_length=1_024)]
EmailText = Annotated[str, StringConstraints(min_length=3, max_length=320)]
Locale = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", min_length=2, max_length=35)
]
# Letters of one script only, so that no handle can look like another.
Handle = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]{1,28}[A-Za-z0-9]$", min_length=3, max_length=30)
]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$", min_length=6, max_length=6)]
LinkToken = Annotated[str, StringConstraints(min_length=1, max_length=200)]
ClientId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", min_length=1, max_length=40)]
DeviceName = Annotated[str, text(80)]
Short = Annotated[str, Field(max_length=300)]
TokenText = Annotated[str, Field(max_length=4_096)]
GuestToken = Annotated[
    str, Field(max_length=4_096, description="A token of the guest one was, whose things go over into the account.")
]
Few = Annotated[list[Short], Field(max_length=20)]
Status = Literal["active", "locked", "deleting"]
Role = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}$", min_length=2, max_length=40)]


class SignUpIn(In):
    """`invite` is what the link of an invitation holds; it is needed only where nobody else may sign up."""

    email: EmailText
    password: Secret
    name: Name | None = None
    locale: Locale | None = None
    invite: LinkToken | None = None


class SignUpOut(Out):
    sign_up_id: Ulid
    expires_at: Instant


class GuestIn(In):
    client_id: ClientId = "web"


class VerifyIn(In):
    """`sign_up_id` and `code`, or the link's `token` with the `password` chosen when signing up."""

    sign_up_id: Ulid | None = None
    code: Code | None = None
    token: LinkToken | None = None
    password: Secret | None = None
    client_id: ClientId = "web"
    device_name: DeviceName | None = None
    guest_token: GuestToken | None = None


class ResendIn(In):
    sign_up_id: Ulid


class LoginIn(In):
    email: EmailText
    password: Secret
    client_id: ClientId = "web"
    device_name: DeviceName | None = None
    guest_token: GuestToken | None = None


class UserOut(Out):
    """`email` is null for a guest."""

    id: Ulid
    email: EmailText | None
    status: Status
    name: Short | None
    handle: Short | None
    locale: Short | None
    timezone: Short | None
    avatar_file_id: Ulid | None
    bio: Annotated[str, Field(max_length=500)] | None
    metadata: dict[str, Any]
    app_metadata: dict[str, Any]
    roles: Few
    created_at: Instant
    updated_at: Instant


class TokensOut(Out):
    """`device_token` comes once for each new device: sent as `X-Device-Token`, it keeps others from using up
    the attempts of this account on it."""

    token_type: Literal["Bearer"] = "Bearer"
    access_token: TokenText
    expires_in: int
    session_id: Ulid
    refresh_token: TokenText
    refresh_expires_in: int
    device_token: TokenText | None = None


class SwitchIn(In):
    """The organisation to act for, or null for oneself; the refresh token says which sign-in."""

    refresh_token: TokenText
    organisation_id: Ulid | None


class SignedInOut(TokensOut):
    user: UserOut


class AccessOut(Out):
    token_type: Literal["Bearer"] = "Bearer"
    access_token: TokenText
    expires_in: int
    session_id: Ulid


class ForgotIn(In):
    email: EmailText


class ResetIn(In):
    token: LinkToken
    password: Secret


class PasswordIn(In):
    current: Secret
    new: Secret


class DoneOut(Out):
    status: Literal["ok"] = "ok"


class ProfilePatch(Patch):
    name: Name | None = absent()
    handle: Handle | None = absent()
    locale: Locale | None = absent()
    timezone: ZoneName | None = absent()
    avatar_file_id: Ulid | None = absent()
    bio: Annotated[str, text(500, min_length=0, multiline=True)] | None = absent()
    metadata: dict[Annotated[str, StringConstraints(max_length=100)], Any] | None = absent()


class EmailChangeIn(In):
    email: EmailText


class EmailCodeIn(In):
    code: Code


class EmailRevertIn(In):
    token: LinkToken


class DeletionOut(Out):
    """Everything is erased after `erased_after`; a sign-in before then keeps the account."""

    status: Literal["deleting"] = "deleting"
    erased_after: Instant


class ActivityParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class ActivityOut(Out):
    """`by` says whether it was you, one of the staff, or a rule of the system. `place` is a network, cut short."""

    id: Ulid
    at: Instant
    action: Short
    by: Literal["you", "staff", "system"]
    place: Short | None
    session_id: Short | None
    detail: dict[str, Short | int | bool | None]


class LinkOut(Out):
    """Good until `expires_at`; ask for another one when it is not taken any more."""

    url: Annotated[str, Field(max_length=4_096)]
    expires_at: Instant


class TicketOut(Out):
    ticket: TokenText
    expires_at: Instant


class SessionOut(Out):
    """`place` is the network the sign-in came from, cut short. A browser's session is of kind `cookie`."""

    id: Ulid
    kind: Literal["token", "cookie"]
    client_id: Short
    device_name: Short | None
    place: Short | None
    created_at: Instant
    last_seen_at: Instant
    expires_at: Instant | None
    current: bool


class SessionsOut(Out):
    """`complete` is false when sessions of browsers could not be asked for in time, and are left out."""

    items: Annotated[list[SessionOut], Field(max_length=100)]
    complete: bool


class DeviceParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class DeviceOut(Out):
    """`last_seen_at` is when somebody signed in on it last."""

    id: Ulid
    name: Short | None
    created_at: Instant
    last_seen_at: Instant


class PublicUserOut(Out):
    id: Ulid
    name: Short | None
    handle: Short | None
    avatar_file_id: Ulid | None


class PublicUsersOut(Out):
    items: Annotated[list[PublicUserOut], Field(max_length=100)]


class RolesIn(In):
    roles: Annotated[list[Role], Field(max_length=10)]
    version: int | None = None


class SeenIn(In):
    """`roles_seen` are those by which it was decided what may be done to this user."""

    roles_seen: Annotated[list[Role], Field(max_length=20)] | None = None


class LockIn(SeenIn):
    reason: Annotated[str, text(200)] | None = None
    until: Instant | None = None


class KeyOut(Out):
    kty: Short
    crv: Short
    alg: Short
    use: Short
    kid: Short
    x: Short
    y: Short


class KeysOut(Out):
    keys: Annotated[list[KeyOut], Field(max_length=10)]


class DiscoveryOut(Out):
    issuer: Short
    jwks_uri: Short
    token_endpoint: Short
    revocation_endpoint: Short
    id_token_signing_alg_values_supported: Few
    token_endpoint_auth_methods_supported: Few
    grant_types_supported: Few
    response_types_supported: Few
    subject_types_supported: Few


class ConfigOut(Out):
    sign_up: Literal["open", "closed"]
    methods: Few
    second_factors: Few
    passkey_domain: Short
    guests: bool
    password_min_length: int
    password_max_length: int
    password_min_score: int
    password_breach_list: bool
    deletion_grace_days: int
    clients: Few
