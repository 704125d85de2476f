"""What a sign-up, a session and a signing key may become. Pure decisions.

Problem
├── SignUpClosed        403 sign-up-closed
├── CodeInvalid         400 code-invalid          one answer for a wrong code, a wrong id and a lost race
├── CodeExpired         410 code-expired
├── WeakPassword        422 weak-password         `errors[]` names each rule
├── ResetTokenInvalid   400 reset-token-invalid
├── HandleTaken         409 handle-taken
├── LastOwner           409 last-owner
├── OwnerExists         409 owner-exists
├── EmailTaken          409 email-taken
├── NotActive           409 not-active
├── MembershipEnded     403 membership-ended
├── NoGuest             409 no-guest
├── GuestsRefused       403 guests-refused
├── TotpEnrolled        409 totp-enrolled
├── TotpCodeInvalid     400 code-invalid
├── FactorMissing       409 second-factor-missing
├── PasskeyInvalid      422 passkey-invalid
├── PasskeyTaken        409 passkey-taken
├── TooManyPasskeys     409 too-many-passkeys
├── LastSignInMethod    409 last-sign-in-method
├── SigningUnavailable  503 signing-unavailable
└── Refused             401, with its challenge
    ├── LoginFailed     401 login-failed          one body for every cause
    ├── MfaFailed       401 mfa-failed
    ├── MfaTokenInvalid 401 mfa-token-invalid
    ├── PasskeyUnknown  401 passkey-unknown
    ├── RefreshInvalid  401 refresh-invalid
    └── RefreshReused   401 refresh-reused
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal

from tessera.problems import FieldError, Problem

SIGN_UP_LIFE = timedelta(hours=24)
CODE_ATTEMPTS = 5
RESET_LIFE = timedelta(minutes=30)
DEVICE_LIFE = timedelta(days=180)
MAX_SESSIONS = 25
MFA_LIFE = timedelta(minutes=5)
MFA_ATTEMPTS = 5
CHALLENGE_LIFE = timedelta(minutes=5)
TOTP_ENROLMENT_LIFE = timedelta(hours=1)
MAX_PASSKEYS = 15
# NIST SP 800-63B 5.2.2: at most 100 consecutive failures on one account.
MAX_FAILURES = 100
HANDLE_KEPT = timedelta(days=30)
# Handles that would seem to speak for the house, or for nobody.
RESERVED_HANDLES = frozenset(
    """abuse account accounts admin administrator api auth billing contact everyone guest help here info legal login
    mail me moderator nobody noreply no_reply null official owner postmaster press privacy root security service staff
    status support system team tessera undefined user webmaster""".split()
)
IMPERSONATION_SECONDS = 900
EMAIL_CHANGE_LIFE = timedelta(hours=1)
EMAIL_REVERT_LIFE = timedelta(days=7)
# What `outbox` sends is kept for a month there.
MAILS_KEPT = timedelta(days=30)
ACTIVITY_KEPT = timedelta(days=90)
EXPORT_LIFE = timedelta(hours=24)
# How long what was a guest's stays readable for whoever takes it over.
MERGED_KEPT = timedelta(days=1)

# How long a key is published before it signs, how long it signs, and how long after it is kept
# beyond the life of its last token.
PUBLISHED_AHEAD = timedelta(hours=24)
KEY_LIFE = timedelta(days=90)
KEPT_AFTER = timedelta(hours=1)


class SignUpClosed(Problem):
    status, slug, title = 403, "sign-up-closed", "Nobody can sign up here"


class CodeInvalid(Problem):
    status, slug, title = 400, "code-invalid", "This code or link is not valid"

    def __init__(self) -> None:
        super().__init__("Look at the last mail we sent you, or ask for a new one.")


class TotpCodeInvalid(Problem):
    status, slug, title = 400, "code-invalid", "This code or link is not valid"

    def __init__(self) -> None:
        super().__init__("Send the code that the app shows now, or begin again.")


class CodeExpired(Problem):
    status, slug, title = 410, "code-expired", "This code has expired"

    def __init__(self, detail: str = "Sign up again.") -> None:
        super().__init__(detail)


class WeakPassword(Problem):
    status, slug, title = 422, "weak-password", "This password is too easy to guess"


class ResetTokenInvalid(Problem):
    status, slug, title = 400, "reset-token-invalid", "This link is not valid any more"

    def __init__(self) -> None:
        super().__init__("A link works once, for 30 minutes, and only the newest one. Ask for a new one.")


class HandleTaken(Problem):
    status, slug, title = 409, "handle-taken", "Somebody else has this handle"


class LastOwner(Problem):
    status, slug, title = 409, "last-owner", "Somebody has to stay the owner"

    def __init__(self) -> None:
        super().__init__("This is the last active owner. Make somebody else an owner first.")


class OwnerExists(Problem):
    status, slug, title = 409, "owner-exists", "There is an owner already"


class EmailTaken(Problem):
    """Only staff and our own services are told; a stranger never learns whether an address has an account."""

    status, slug, title = 409, "email-taken", "This address has an account"


class NotActive(Problem):
    status, slug, title = 409, "not-active", "This account cannot sign in"


class MembershipEnded(Problem):
    status, slug, title = 403, "membership-ended", "You are no member of this organisation"

    def __init__(self) -> None:
        super().__init__("Switch to yourself, or to an organisation you belong to, with your refresh token.")


class NoGuest(Problem):
    status, slug, title = 409, "no-guest", "This account is no guest's"

    def __init__(self) -> None:
        super().__init__("It has an address already. Change it where accounts are changed.")


class GuestsRefused(Problem):
    status, slug, title = 403, "guests-refused", "Nobody can be a guest here"

    def __init__(self) -> None:
        super().__init__("Sign up, or sign in.")


class TotpEnrolled(Problem):
    status, slug, title = 409, "totp-enrolled", "An authenticator app is set up already"

    def __init__(self) -> None:
        super().__init__("Remove it first.")


class FactorMissing(Problem):
    status, slug, title = 409, "second-factor-missing", "There is no second factor to stand in for"

    def __init__(self) -> None:
        super().__init__("Set up an authenticator app or a passkey first.")


class PasskeyInvalid(Problem):
    status, slug, title = 422, "passkey-invalid", "This passkey cannot be added"

    def __init__(self) -> None:
        super().__init__("What the authenticator answered does not fit the question, or came too late. Begin again.")


class PasskeyTaken(Problem):
    status, slug, title = 409, "passkey-taken", "This passkey belongs to an account already"


class TooManyPasskeys(Problem):
    status, slug, title = 409, "too-many-passkeys", "There is no room for another passkey"

    def __init__(self) -> None:
        super().__init__(f"An account has up to {MAX_PASSKEYS}. Remove one first.")


class LastSignInMethod(Problem):
    status, slug, title = 409, "last-sign-in-method", "Nothing else opens this account"

    def __init__(self) -> None:
        super().__init__("Choose a password first, or add another passkey.")


class SigningUnavailable(Problem):
    status, slug, title = 503, "signing-unavailable", "Nobody can sign in right now"

    def __init__(self) -> None:
        super().__init__("Try again in a second. Who is signed in stays so.", headers={"Retry-After": "1"})


class Refused(Problem):
    """A 401 that carries the challenge HTTP asks for (RFC 9110 15.5.2)."""

    status, slug, title = 401, "login-failed", "The address or the password is not right"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="tessera"'})


class LoginFailed(Refused):
    def __init__(self) -> None:
        super().__init__("Check both, or ask for a new password.")


class MfaFailed(Refused):
    slug, title = "mfa-failed", "The second factor is not right"

    def __init__(self) -> None:
        super().__init__("Send a new code, or use another method.")


class MfaTokenInvalid(Refused):
    slug, title = "mfa-token-invalid", "This sign-in cannot be finished any more"

    def __init__(self) -> None:
        super().__init__("Sign in again from the beginning.")


class PasskeyUnknown(Refused):
    """Tells the client that the passkey can be removed where it is kept (WebAuthn Level 3, 5.1.10)."""

    slug, title = "passkey-unknown", "This passkey opens no account here"

    def __init__(self) -> None:
        super().__init__("It was removed here. Remove it from your device too, and sign in another way.")


class RefreshInvalid(Refused):
    slug, title = "refresh-invalid", "This refresh token is not valid"

    def __init__(self) -> None:
        super().__init__("Sign in again.")


class RefreshReused(Refused):
    slug, title = "refresh-reused", "This refresh token was used before"

    def __init__(self) -> None:
        super().__init__("Somebody may have copied it, so this sign-in was ended. Sign in again.")


class Verdict(Enum):
    """What a refresh token whose counter is not the family's present one stands for."""

    SAME_AGAIN = "same again"
    INVALID = "invalid"
    REUSED = "reused"


@dataclass(frozen=True)
class Family:
    """A sign-in as its refresh tokens see it. Times are milliseconds since 1970."""

    counter: int
    rotated_at: int
    is_active: bool
    idle_until: int
    ends_at: int
    undelivered: int | None = None


def judge(family: Family | None, counter: int, *, now: int, grace_ms: int) -> Verdict:
    """Why a rotation was refused. Several tabs, or a lost answer, send one token more than once within the grace.

    A successor that we know was not handed out leaves its client with the old token, however long it takes us.
    """
    if family is None or not family.is_active or now >= family.idle_until or now >= family.ends_at:
        return Verdict.INVALID
    is_recent = now - family.rotated_at <= grace_ms
    if family.counter == counter + 1 and (is_recent or family.undelivered == family.counter):
        return Verdict.SAME_AGAIN
    return Verdict.REUSED


KeyState = Literal["next", "active", "retiring", "revoked"]


@dataclass(frozen=True)
class Key:
    """A signing key and since when it is in its state."""

    kid: str
    state: KeyState
    since: datetime

    def become(self, state: KeyState, now: datetime) -> "Key":
        return replace(self, state=state, since=now)


@dataclass(frozen=True)
class Turn:
    """One step of the rotation: the ring as it shall be, whether a new key is wanted, which keys are done with."""

    ring: tuple[Key, ...]
    wants_next: bool = False
    done: tuple[str, ...] = ()


def turn(ring: Sequence[Key], now: datetime, *, token_life: timedelta) -> Turn:
    """The rotation's next step: run daily, it replaces the active key every 90 days and never without notice."""
    kept = [key for key in ring if not _is_done(key, now, token_life)]
    done = tuple(key.kid for key in ring if key not in kept)
    active = next((key for key in kept if key.state == "active"), None)
    coming = next((key for key in kept if key.state == "next"), None)
    is_due = active is None or now - active.since >= KEY_LIFE
    if coming and is_due and (active is None or now - coming.since >= PUBLISHED_AHEAD):
        changed = {coming.kid: coming.become("active", now)}
        if active:
            changed[active.kid] = active.become("retiring", now)
        kept = [changed.get(key.kid, key) for key in kept]
    wants_next = coming is None and (active is None or now - active.since >= KEY_LIFE - PUBLISHED_AHEAD)
    return Turn(tuple(kept), wants_next, done)


def replaced(ring: Sequence[Key], now: datetime) -> tuple[Key, ...]:
    """The ring after the active key has leaked: it is revoked, and the next one signs at once."""
    states: dict[KeyState, KeyState] = {"active": "revoked", "next": "active"}
    return tuple(key.become(states[key.state], now) if key.state in states else key for key in ring)


def _is_done(key: Key, now: datetime, token_life: timedelta) -> bool:
    return key.state in ("retiring", "revoked") and now - key.since >= token_life + KEPT_AFTER


class RealmNameTaken(Problem):
    status, slug, title = 409, "realm-name-taken", "Somebody has this name"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("/username", "has already been taken")])


class RealmEmailTaken(Problem):
    status, slug, title = 409, "realm-email-taken", "Somebody has this address"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("/email", "has already been taken")])


class NotOfTheRealm(Problem):
    status, slug, title = 403, "not-of-the-realm", "This is changed where the account was made"
