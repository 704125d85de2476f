"""Our side of WebAuthn (Level 3): the options a browser is given, and whether what comes back is genuine.

The package `webauthn` is imported where it is used: it takes as long to load as half of this function.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from tessera.auth import jws
from tessera.settings import Bindings

from .config import PRODUCT, AccountSettings
from .rules import PasskeyInvalid

CHALLENGE_BYTES = 32
HANDLE_BYTES = 32
# WebAuthn 4, "Credential ID": at most 1023 bytes.
MAX_CREDENTIAL_ID_BYTES = 1_023
# COSE: Ed25519, ES256, RS256.
ALGORITHMS = (-8, -7, -257)
TIMEOUT_MS = 300_000


class NotGenuine(Exception):
    """What came back does not verify. The text is for the log alone."""


@dataclass(frozen=True)
class Registered:
    """A new credential. `is_eligible` and `is_backed_up` say whether it may be, and is, kept in several places."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    aaguid: str
    is_eligible: bool
    is_backed_up: bool
    is_verified: bool


@dataclass(frozen=True)
class Asserted:
    """A credential that was shown. `is_verified`: the authenticator made sure of the person, not only of a touch."""

    sign_count: int
    is_eligible: bool
    is_backed_up: bool
    is_verified: bool


@dataclass(frozen=True)
class Descriptor:
    """A credential as a browser is told of it."""

    credential_id: str
    transports: Sequence[str]

    def json(self) -> dict[str, Any]:
        described: dict[str, Any] = {"type": "public-key", "id": self.credential_id}
        return {**described, "transports": list(self.transports)} if self.transports else described


class RelyingParty:
    """Who we are to an authenticator, and from which pages it may be asked."""

    def __init__(self, rp_id: str, origins: Sequence[str], *, name: str = PRODUCT.title()) -> None:
        self.id, self.origins, self.name = rp_id, list(origins), name

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(AccountSettings)
        return cls(settings.rp_id, settings.passkey_origins)

    def creation_options(
        self, challenge: bytes, handle: str, *, email: str, name: str | None, exclude: Sequence[Descriptor]
    ) -> dict[str, Any]:
        """What `navigator.credentials.create` is given, in its JSON form (WebAuthn 5.1.8)."""
        return {
            "rp": {"id": self.id, "name": self.name},
            "user": {"id": handle, "name": email, "displayName": name or email},
            "challenge": jws.encode(challenge),
            "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in ALGORITHMS],
            "timeout": TIMEOUT_MS,
            "excludeCredentials": [one.json() for one in exclude],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "preferred",
            },
            "attestation": "none",
        }

    def request_options(
        self, challenge: bytes, *, allow: Sequence[Descriptor], user_verification: str
    ) -> dict[str, Any]:
        """What `navigator.credentials.get` is given, in its JSON form (WebAuthn 5.1.9)."""
        return {
            "rpId": self.id,
            "challenge": jws.encode(challenge),
            "timeout": TIMEOUT_MS,
            "allowCredentials": [one.json() for one in allow],
            "userVerification": user_verification,
        }

    def registered(self, credential: dict[str, Any], challenge: bytes) -> Registered:
        """Verify the answer of `create` (WebAuthn 7.1). Raises `PasskeyInvalid`."""
        from webauthn import verify_registration_response
        from webauthn.helpers.cose import COSEAlgorithmIdentifier

        try:
            self._check_page(credential)
            found = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=self.origins,
                supported_pub_key_algs=[COSEAlgorithmIdentifier(algorithm) for algorithm in ALGORITHMS],
            )
            credential_id = jws.decode(credential["id"])
        except _broken() as error:
            raise PasskeyInvalid() from error
        # The attested id is the one that is signed; the outer one is only what the page says.
        if found.credential_id != credential_id or len(credential_id) > MAX_CREDENTIAL_ID_BYTES:
            raise PasskeyInvalid()
        return Registered(
            credential_id=found.credential_id,
            public_key=found.credential_public_key,
            sign_count=found.sign_count,
            aaguid=found.aaguid,
            is_eligible=found.credential_device_type == "multi_device",
            is_backed_up=found.credential_backed_up,
            is_verified=found.user_verified,
        )

    def asserted(
        self, credential: dict[str, Any], challenge: bytes, public_key: bytes, *, needs_verification: bool
    ) -> Asserted:
        """Verify the answer of `get` (WebAuthn 7.2). Raises `NotGenuine`.

        Whether the sign count has grown is for the write that keeps it to decide.
        """
        from webauthn import verify_authentication_response

        try:
            self._check_page(credential)
            found = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=self.origins,
                credential_public_key=public_key,
                credential_current_sign_count=0,
                require_user_verification=needs_verification,
            )
        except _broken() as error:
            raise NotGenuine(str(error)) from error
        return Asserted(
            sign_count=found.new_sign_count,
            is_eligible=found.credential_device_type == "multi_device",
            is_backed_up=found.credential_backed_up,
            is_verified=found.user_verified,
        )

    def _check_page(self, credential: dict[str, Any]) -> None:
        """Refuse a ceremony inside a frame of another origin, of which we have none (WebAuthn 7.2, step 13)."""
        client_data = jws.read_object(jws.decode(credential["response"]["clientDataJSON"]))
        if client_data.get("crossOrigin") or client_data.get("topOrigin"):
            raise NotGenuine("asked for inside a frame")


def new_challenge() -> bytes:
    return secrets.token_bytes(CHALLENGE_BYTES)


def new_handle() -> str:
    """What authenticators know a user by: chance, so that it tells nothing to whoever holds the device."""
    return jws.encode(secrets.token_bytes(HANDLE_BYTES))


def credential_id_of(credential: dict[str, Any]) -> bytes | None:
    """The id the page names, or None for what cannot be one."""
    try:
        found = jws.decode(str(credential["id"]))
    except (KeyError, ValueError):
        return None
    return found if len(found) <= MAX_CREDENTIAL_ID_BYTES else None


def _broken() -> tuple[type[Exception], ...]:
    """What the package, and `cryptography` below it, raise for bytes that are not what they should be.

    It documents its own exceptions only, but takes CBOR apart by subscripts and hands what it finds to
    constructors of keys, so a hostile authenticator can make it raise these as well.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from webauthn.helpers.exceptions import WebAuthnException

    return (
        NotGenuine,
        WebAuthnException,
        UnsupportedAlgorithm,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        OverflowError,
    )
