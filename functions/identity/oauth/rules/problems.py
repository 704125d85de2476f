"""What can go wrong with a sign-in through somebody else.

Problem
├── ProviderUnknown      404 provider-unknown
├── ReturnToNotAllowed   422 return-to-not-allowed
├── StateInvalid         400 state-invalid          missing, expired, used, or begun in another browser
├── ProviderDenied       403 provider-denied        they refused there
├── ProviderError        502 provider-error
├── ProviderTimeout      504 provider-timeout
├── IdTokenInvalid       502 id-token-invalid       one answer for all that may be wrong with it
├── EmailUnverified      403 email-unverified
├── DomainNotAllowed     403 domain-not-allowed     an account of another organisation
├── SignUpClosed         403 sign-up-closed
├── EmailTaken           409 email-taken
├── IdentityTaken        409 identity-taken         it opens another account
├── TooManyIdentities    409 too-many-identities
├── LastSignInMethod     409 last-sign-in-method
├── ExchangeInvalid      400 exchange-invalid       one answer for a wrong code, a used one and a wrong verifier
├── TicketInvalid        400 ticket-invalid
├── CodeInvalid          400 code-invalid
├── OtherAccount         403 other-account
├── LogoutTokenInvalid   400 logout-token-invalid
└── LoginFailed          401 login-failed           with its challenge
"""

from tessera.problems import Problem


class ProviderUnknown(Problem):
    status, slug, title = 404, "provider-unknown", "There is no such provider"

    def __init__(self) -> None:
        super().__init__("GET /oauth/providers lists those there are.")


class ReturnToNotAllowed(Problem):
    status, slug, title = 422, "return-to-not-allowed", "A sign-in may not end there"


class StateInvalid(Problem):
    status, slug, title = 400, "state-invalid", "This sign-in cannot be finished"

    def __init__(self) -> None:
        super().__init__("It is good once, for ten minutes, in the browser that began it. Begin again.")


class ProviderDenied(Problem):
    status, slug, title = 403, "provider-denied", "The provider was not allowed to sign you in"


class ProviderError(Problem):
    status, slug, title = 502, "provider-error", "The provider gave no usable answer"


class ProviderTimeout(Problem):
    status, slug, title = 504, "provider-timeout", "The provider did not answer in time"


class IdTokenInvalid(Problem):
    """`cause` is for the log: a forger learns nothing from the answer."""

    status, slug, title = 502, "id-token-invalid", "What the provider says of you cannot be believed"

    def __init__(self, cause: str = "") -> None:
        super().__init__("Begin again. If it stays so, the provider is set up wrongly.")
        self.cause = cause


class EmailUnverified(Problem):
    status, slug, title = 403, "email-unverified", "The provider has not verified your address"


class DomainNotAllowed(Problem):
    status, slug, title = 403, "domain-not-allowed", "Accounts of your organisation cannot sign in here"


class SignUpClosed(Problem):
    status, slug, title = 403, "sign-up-closed", "Nobody can sign up here"


class EmailTaken(Problem):
    status, slug, title = 409, "email-taken", "This address has an account"


class IdentityTaken(Problem):
    status, slug, title = 409, "identity-taken", "It opens another account already"

    def __init__(self) -> None:
        super().__init__("Sign in with it, and unlink it there first.")


class TooManyIdentities(Problem):
    status, slug, title = 409, "too-many-identities", "There is no room for another provider"


class LastSignInMethod(Problem):
    status, slug, title = 409, "last-sign-in-method", "Nothing else opens this account"

    def __init__(self) -> None:
        super().__init__("Choose a password, or link another provider, first.")


class ExchangeInvalid(Problem):
    status, slug, title = 400, "exchange-invalid", "This sign-in cannot be finished"

    def __init__(self) -> None:
        super().__init__("A code works once, for a minute, with the verifier of whoever began. Sign in again.")


class TicketInvalid(Problem):
    status, slug, title = 400, "ticket-invalid", "This ticket is not good any more"

    def __init__(self) -> None:
        super().__init__("Sign in with the provider again for another one.")


class CodeInvalid(Problem):
    status, slug, title = 400, "code-invalid", "This code is not right"


class OtherAccount(Problem):
    status, slug, title = 403, "other-account", "This is for another account"

    def __init__(self) -> None:
        super().__init__("Sign in to the account that has the address at the provider.")


class LogoutTokenInvalid(Problem):
    status, slug, title = 400, "logout-token-invalid", "This logout token is not valid"

    def __init__(self, cause: str = "") -> None:
        super().__init__("Nobody was signed out.")
        self.cause = cause


class LoginFailed(Problem):
    status, slug, title = 401, "login-failed", "The sign-in failed"

    def __init__(self) -> None:
        super().__init__("Sign in again.", headers={"WWW-Authenticate": 'Bearer realm="tessera"'})
