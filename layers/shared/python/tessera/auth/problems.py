"""What can go wrong between a request and its principal.

    Problem
    ├── Unauthenticated                                     carries `WWW-Authenticate` (RFC 6750 3)
    │   ├── CredentialsMissing   401 credentials-missing    none sent
    │   ├── TokenInvalid         401 token-invalid          whatever is wrong with it: the log has the cause
    │   ├── TokenExpired         401 token-expired          refresh it
    │   ├── TokenStale           401 token-stale            roles or epoch changed: refresh it
    │   ├── SessionRevoked       401 session-revoked        sign in again
    │   └── StepUpRequired       401 step-up-required       prove again who you are (RFC 9470)
    ├── CredentialsAmbiguous     400 credentials-ambiguous  two of them, or one in the URL
    ├── InsufficientScope        403 insufficient-scope     authenticated, permission missing
    ├── ImpersonationForbidden   403 impersonation-forbidden
    ├── FactorRequired           403 mfa-enrolment-required staff have none and need one here
    ├── CsrfFailed               403 csrf-failed            cookie credential only
    ├── OriginNotAllowed         403 origin-not-allowed     cookie credential only
    ├── LimitExceeded                                       carries `Retry-After`
    │   ├── RateLimited          429 rate-limited
    │   ├── QuotaExceeded        429 quota-exceeded
    │   └── AttemptsExhausted    429 attempts-exhausted
    ├── RevocationUnknown        503 revocation-unknown     the revocation feed could not be read in time
    └── LoopDetected             508 loop-detected          internal calls nested too deep

Each carries the headers its status asks for.
"""

from typing import Any, ClassVar

from tessera.problems import Problem

BASIC_CHALLENGE = 'Bearer realm="tessera"'


class Unauthenticated(Problem):
    """`cause` says what exactly was wrong. It is for the log and never reaches the caller."""

    status, slug, title = 401, "credentials-missing", "Sign in first"
    challenge: ClassVar[str] = BASIC_CHALLENGE

    def __init__(self, detail: str = "", *, cause: str = "", challenge: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": challenge or self.challenge})
        self.cause = cause


class CredentialsMissing(Unauthenticated):
    def __init__(self) -> None:
        super().__init__("Send an access token as `Authorization: Bearer …`.")


class TokenInvalid(Unauthenticated):
    """One answer for every cause, so that a forger learns nothing."""

    slug, title = "token-invalid", "The credential is not valid"
    challenge = 'Bearer error="invalid_token"'

    def __init__(self, cause: str) -> None:
        super().__init__("Sign in again.", cause=cause)


class TokenExpired(Unauthenticated):
    slug, title = "token-expired", "The access token has expired"
    challenge = 'Bearer error="invalid_token"'

    def __init__(self) -> None:
        super().__init__("Use the refresh token to get a new one.", cause="expired")


class TokenStale(Unauthenticated):
    slug, title = "token-stale", "The access token is out of date"
    challenge = 'Bearer error="invalid_token"'

    def __init__(self, cause: str) -> None:
        super().__init__("Your account changed since. Use the refresh token to get a new one.", cause=cause)


class SessionRevoked(Unauthenticated):
    slug, title = "session-revoked", "This session was ended"
    challenge = 'Bearer error="invalid_token"'

    def __init__(self, cause: str) -> None:
        super().__init__("Sign in again.", cause=cause)


class StepUpRequired(Unauthenticated):
    slug, title = "step-up-required", "Prove again that it is you"

    def __init__(self, *, aal: int | None = None, max_age: int | None = None) -> None:
        parts = ['Bearer error="insufficient_user_authentication"']
        wanted = []
        if aal is not None:
            parts.append(f'acr_values="aal{aal}"')
            wanted.append("with a second factor")
        if max_age is not None:
            parts.append(f"max_age={max_age}")
            wanted.append(f"not more than {max_age} seconds ago")
        super().__init__(f"This needs a sign-in {' and '.join(wanted)}.", challenge=", ".join(parts))


class FactorRequired(Problem):
    status, slug, title = 403, "mfa-enrolment-required", "Staff need a second factor here"

    def __init__(self) -> None:
        super().__init__("Set one up under /accounts/me/mfa, then sign in with it.")


class CredentialsAmbiguous(Problem):
    status, slug, title = 400, "credentials-ambiguous", "It is not clear which credential counts"


class InsufficientScope(Problem):
    status, slug, title = 403, "insufficient-scope", "You may not do this"

    def __init__(self, permission: str = "", detail: str = "") -> None:
        challenge = 'Bearer error="insufficient_scope"'
        if permission:
            challenge += f', scope="{permission}"'
        text = detail or f"This needs the permission {permission}."
        super().__init__(text, headers={"WWW-Authenticate": challenge})


class ImpersonationForbidden(Problem):
    status, slug, title = 403, "impersonation-forbidden", "Not while acting for somebody else"


class CsrfFailed(Problem):
    status, slug, title = 403, "csrf-failed", "The request was not made by our own page"


class OriginNotAllowed(Problem):
    status, slug, title = 403, "origin-not-allowed", "This origin may not use cookies here"


class LimitExceeded(Problem):
    """`retry_after` is in whole seconds; waiting so long is enough unless others use the limit up."""

    status, slug, title = 429, "rate-limited", "Too many requests"

    def __init__(
        self, retry_after: int, *, headers: dict[str, str] | None = None, policies: tuple[str, ...] = ()
    ) -> None:
        seconds = "second" if retry_after == 1 else "seconds"
        extra: dict[str, Any] = {"violated_policies": list(policies)} if policies else {}
        all_headers = {"Retry-After": str(retry_after), **(headers or {})}
        super().__init__(f"Try again in {retry_after} {seconds}.", headers=all_headers, **extra)
        self.retry_after = retry_after


class RateLimited(LimitExceeded):
    pass


class QuotaExceeded(LimitExceeded):
    slug, title = "quota-exceeded", "The quota is used up"


class AttemptsExhausted(LimitExceeded):
    slug, title = "attempts-exhausted", "Too many attempts"


class RevocationUnknown(Problem):
    status, slug, title = 503, "revocation-unknown", "It cannot be checked whether this session was ended"

    def __init__(self) -> None:
        super().__init__("Try again in a moment.", headers={"Retry-After": "1"})


class LoopDetected(Problem):
    status, slug, title = 508, "loop-detected", "The call went round too many services"
