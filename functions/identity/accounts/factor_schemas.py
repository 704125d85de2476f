"""Bodies about second factors and passkeys. The WebAuthn ones are in the JSON forms of WebAuthn Level 3, 5.1.8-10."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from tessera.types import In, Instant, Model, Name, Out, Ulid

from .schemas import ClientId, DeviceName, Few, GuestToken, Secret, Short, TokenText

# Six digits of an app, or a recovery code as people write it.
AnyCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z -]+$", min_length=6, max_length=24)]
AppCode = Annotated[str, StringConstraints(pattern=r"^[0-9 ]+$", min_length=6, max_length=12)]
MfaTokenText = Annotated[str, StringConstraints(min_length=1, max_length=1_500)]
Method = Literal["totp", "recovery", "passkey"]
# A credential id has 1023 bytes at most, an attestation with its certificates a few thousand.
Base64Url = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", min_length=1, max_length=1_400)]
LongBase64Url = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", min_length=1, max_length=32_000)]
Transport = Annotated[str, StringConstraints(pattern=r"^[a-z-]+$", min_length=1, max_length=20)]
PasskeyId = Annotated[str, Field(max_length=64)]
Bytes = Annotated[str, Field(max_length=1_400)]
Codes = Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=10)]


class WebAuthn(Model):
    """What browsers send. They add members from time to time, so what is not known is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class AttestationIn(WebAuthn):
    clientDataJSON: LongBase64Url
    attestationObject: LongBase64Url
    transports: Annotated[list[Transport], Field(max_length=10)] | None = None


class NewCredentialIn(WebAuthn):
    """What `navigator.credentials.create` gave, by its `toJSON()`."""

    id: Base64Url
    rawId: Base64Url
    type: Literal["public-key"]
    response: AttestationIn
    authenticatorAttachment: Short | None = None


class AssertionIn(WebAuthn):
    clientDataJSON: LongBase64Url
    authenticatorData: LongBase64Url
    signature: LongBase64Url
    userHandle: Base64Url | None = None


class CredentialIn(WebAuthn):
    """What `navigator.credentials.get` gave, by its `toJSON()`."""

    id: Base64Url
    rawId: Base64Url
    type: Literal["public-key"]
    response: AssertionIn
    authenticatorAttachment: Short | None = None


class MfaRequiredOut(Out):
    """The password was right, and is not enough: send one of `methods` to `/accounts/login/mfa`, within 5 minutes."""

    status: Literal["mfa_required"] = "mfa_required"
    mfa_token: TokenText
    methods: Few


class MfaIn(In):
    """A `code` for `totp` and `recovery`, a `credential` for `passkey`."""

    mfa_token: MfaTokenText
    method: Method
    code: AnyCode | None = None
    credential: CredentialIn | None = None
    guest_token: GuestToken | None = None


class PasskeyAskIn(In):
    """With an `mfa_token`, the options are for a passkey as the second factor of that sign-in."""

    mfa_token: MfaTokenText | None = None


class PasskeyLoginIn(In):
    challenge_id: Ulid
    credential: CredentialIn
    client_id: ClientId = "web"
    device_name: DeviceName | None = None
    guest_token: GuestToken | None = None


class ReauthenticateIn(In):
    """The `password`; or a `method` with its `code`; or `passkey` with `challenge_id` and `credential`."""

    password: Secret | None = None
    method: Method | None = None
    code: AnyCode | None = None
    challenge_id: Ulid | None = None
    credential: CredentialIn | None = None


class RpOut(Out):
    id: Short
    name: Short


class HandleOut(Out):
    id: Short
    name: Annotated[str, Field(max_length=320)]
    displayName: Annotated[str, Field(max_length=320)]


class ParameterOut(Out):
    type: Literal["public-key"]
    alg: int


class DescriptorOut(Out):
    type: Literal["public-key"]
    id: Bytes
    transports: Few = Field(default_factory=list)


class SelectionOut(Out):
    residentKey: Short
    requireResidentKey: bool
    userVerification: Short


class CreationOut(Out):
    """For `PublicKeyCredential.parseCreationOptionsFromJSON`."""

    rp: RpOut
    user: HandleOut
    challenge: Short
    pubKeyCredParams: Annotated[list[ParameterOut], Field(max_length=10)]
    timeout: int
    excludeCredentials: Annotated[list[DescriptorOut], Field(max_length=20)]
    authenticatorSelection: SelectionOut
    attestation: Literal["none"]


class CreationOptionsOut(Out):
    challenge_id: Ulid
    publicKey: CreationOut


class RequestOut(Out):
    """For `PublicKeyCredential.parseRequestOptionsFromJSON`."""

    rpId: Short
    challenge: Short
    timeout: int
    allowCredentials: Annotated[list[DescriptorOut], Field(max_length=20)]
    userVerification: Short


class RequestOptionsOut(Out):
    challenge_id: Ulid
    publicKey: RequestOut


class FactorsOut(Out):
    """`methods` are what can be shown after a password; empty when a password alone is enough."""

    methods: Few
    recovery_codes_left: int
    passkeys: int
    has_password: bool


class TotpOut(Out):
    """Shown this once. `otpauth_uri` is for a QR code, `secret` for typing it in."""

    secret: Short
    otpauth_uri: Annotated[str, Field(max_length=2_000)]


class TotpConfirmIn(In):
    code: AppCode


class TotpConfirmedOut(Out):
    """With the access token that says what was shown; a session in a cookie gets its own by itself."""

    status: Literal["ok"] = "ok"
    token_type: Literal["Bearer"] = "Bearer"
    access_token: TokenText | None = None
    expires_in: int | None = None
    session_id: Ulid | None = None


class RecoveryCodesOut(Out):
    """Shown this once. Each signs in once, in the place of a second factor."""

    codes: Codes


class PasskeyIn(In):
    challenge_id: Ulid
    credential: NewCredentialIn
    name: Name | None = None


class PasskeyNameIn(In):
    name: Name


class PasskeyOut(Out):
    """`backed_up` says whether it is kept in more than one place, `authenticator` what keeps it, if that is known."""

    id: PasskeyId
    name: Short
    authenticator: Short | None
    aaguid: Short
    backed_up: bool
    transports: Few
    created_at: Instant
    last_used_at: Instant | None
    version: int


class PasskeysOut(Out):
    items: Annotated[list[PasskeyOut], Field(max_length=20)]


class RelatedOriginsOut(Out):
    """The pages that may use the passkeys of this domain (WebAuthn Level 3, 5.11)."""

    origins: Annotated[list[Short], Field(max_length=50)]


def plain(credential: WebAuthn) -> dict[str, Any]:
    """As the browser sent it, without what it left out."""
    return credential.model_dump(exclude_none=True)
