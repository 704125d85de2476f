"""The items of second factors and passkeys. Times are milliseconds since 1970, `ttl` excepted."""

import hashlib

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from tessera.tables import Row

from .rows import UserRow

TOTP, RECOVERY = "M#totp", "M#recovery"


def passkey_sk(passkey_id: str) -> str:
    return f"P#{passkey_id}"


def credential_pk(passkey_id: str) -> str:
    return f"C#{passkey_id}"


def challenge_pk(challenge_id: str) -> str:
    return f"CH#{challenge_id}"


def mfa_pk(mfa_id: str) -> str:
    return f"MT#{mfa_id}"


def passkey_id_of(credential_id: bytes) -> str:
    """A credential's id may be 1023 bytes long; its hash stands in keys and in paths."""
    return hashlib.sha256(credential_id).hexdigest()


class TotpRow(Row):
    """`enc` is the secret, sealed for this user alone. `last_step` is the newest step whose code was used."""

    enc = UnicodeAttribute(null=True)
    last_step = NumberAttribute(null=True)
    confirmed = BooleanAttribute(default=False)
    created = NumberAttribute()


class RecoveryRow(Row):
    """DynamoDB keeps no empty set, so the attribute goes with the last code."""

    codes = UnicodeSetAttribute(null=True)
    created = NumberAttribute()


class HeldRow(UserRow):
    """Whichever item the one query brings that reads a user together with their second factors."""

    enc = UnicodeAttribute(null=True)
    last_step = NumberAttribute(null=True)
    confirmed = BooleanAttribute(null=True)
    codes = UnicodeSetAttribute(null=True)


class MfaRow(Row):
    """The attempts at a second factor after one sign-in with a password. `done` once one of them was right."""

    uid = UnicodeAttribute()
    left = NumberAttribute()
    amr = UnicodeSetAttribute(null=True)
    client = UnicodeAttribute(null=True)
    done = BooleanAttribute(null=True)


class ChallengeRow(Row):
    """A WebAuthn challenge, good once. `uid` is None before anybody has said who they are."""

    challenge = UnicodeAttribute()
    uid = UnicodeAttribute(null=True)
    purpose = UnicodeAttribute()


class PasskeyRow(Row):
    """`be` and `bs` say whether the key may be, and is, kept in more than one place."""

    passkey_id = UnicodeAttribute()
    cred_id = UnicodeAttribute()
    pub = UnicodeAttribute()
    sign_count = NumberAttribute(default=0)
    be = BooleanAttribute(default=False)
    bs = BooleanAttribute(default=False)
    aaguid = UnicodeAttribute()
    transports = UnicodeSetAttribute(null=True)
    name = UnicodeAttribute()
    created = NumberAttribute()
    used_at = NumberAttribute(null=True)


class CredentialRow(Row):
    """Whose a credential is: its uniqueness is this item."""

    uid = UnicodeAttribute()
