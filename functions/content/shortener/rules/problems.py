"""What can be wrong with a link, and with following one.

Problem
├── AliasTaken        409 alias-taken         with three that are free
├── LinkBlocked       409 link-blocked        it leads to something harmful, so only staff may change it
├── DomainTaken       409 domain-taken        somebody else has shown that the domain is theirs
├── DomainUnproven    409 domain-unproven     the record that would show it is not there
├── TooManyDomains    409 too-many-domains
├── URLRefused        422 url-refused         with the reason
├── DomainForbidden   403 domain-forbidden    a domain that you have not shown to be yours
├── LinkHarmful       403 link-harmful        following it is refused
├── LinkOver          410 link-over           its time is over, or it was followed as often as it may be
├── PasswordNeeded    401 password-needed
└── WrongPassword     401 wrong-password
"""

from collections.abc import Sequence

from tessera.problems import FieldError, InvalidRequest, Problem


class AliasTaken(Problem):
    status, slug, title = 409, "alias-taken", "This alias is taken"

    def __init__(self, suggestions: Sequence[str] = ()) -> None:
        super().__init__("Choose another one, or leave it out.", suggestions=list(suggestions))


class LinkBlocked(Problem):
    status, slug, title = 409, "link-blocked", "This link is blocked"


class DomainTaken(Problem):
    status, slug, title = 409, "domain-taken", "This domain is somebody else's"


class DomainUnproven(Problem):
    status, slug, title = 409, "domain-unproven", "The record is not there"


class TooManyDomains(Problem):
    status, slug, title = 409, "too-many-domains", "There are too many domains already"


class URLRefused(Problem):
    """`reason` is one of scheme, form, address, port, own-domain, chain, confusable, blocked-domain, threat."""

    status, slug, title = 422, "url-refused", "No short link leads there"

    def __init__(self, reason: str, detail: str, pointer: str = "/url") -> None:
        super().__init__(detail, errors=[FieldError(pointer, detail)], reason=reason)
        self.reason = reason


class DomainForbidden(Problem):
    status, slug, title = 403, "domain-forbidden", "This domain is not yours"


class LinkHarmful(Problem):
    status, slug, title = 403, "link-harmful", "This link leads to something harmful"


class LinkOver(Problem):
    status, slug, title = 410, "link-over", "This link has ended"


class PasswordNeeded(Problem):
    status, slug, title = 401, "password-needed", "This link needs a password"


class WrongPassword(Problem):
    status, slug, title = 401, "wrong-password", "This is not the password"


def refused(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(f"Look at {pointer}.", errors=[FieldError(pointer, detail)])
