"""What a provider says of somebody, read from its claims, and what may be believed of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .problems import DomainNotAllowed, IdTokenInvalid, ProviderError
from .providers import Provider

MAX_SUBJECT = 255
MAX_EMAIL = 254


@dataclass(frozen=True)
class Profile:
    """`key` stands for issuer and subject: an identity is known by it alone. `auth_time` is in seconds since 1970."""

    key: str
    subject: str
    email: str | None = None
    email_verified: bool = False
    name: str | None = None
    locale: str | None = None
    sid: str | None = None
    auth_time: int | None = None
    has_second_factor: bool = False

    @property
    def verified_email(self) -> str | None:
        return self.email if self.email_verified else None

    @property
    def label(self) -> str:
        """Enough to know the identity by, and not all of it."""
        return masked(self.email) if self.email else f"…{self.subject[-4:]}"


def key_of(issuer: str, subject: str) -> str:
    return hashlib.sha256(json.dumps([issuer, subject]).encode()).hexdigest()


def is_true(flag: Any) -> bool:
    """Only truth itself, and the text by which some providers write it. Anything else is no verification."""
    return flag is True or flag == "true"


def masked(email: str) -> str:
    """`a…@example.com`"""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}"


def of_openid(provider: Provider, claims: Mapping[str, Any], more: Mapping[str, Any]) -> Profile:
    """From the claims of a verified id token, and of userinfo where it was asked.

    Raises `DomainNotAllowed`, `IdTokenInvalid`.
    """
    _hold_domain(provider, claims)
    subject = _subject(provider, claims)
    # An address and whether it is verified come from one source: two may speak of two addresses.
    mail = claims if provider.claim("email") in claims else more
    found = _common(provider, {**more, **claims}, mail)
    amr = claims.get("amr")
    methods = {method for method in amr if isinstance(method, str)} if isinstance(amr, list) else set()
    sid, auth_time = claims.get("sid"), claims.get("auth_time")
    return Profile(
        key=key_of(provider.issuer, subject),
        subject=subject,
        sid=sid if isinstance(sid, str) and 0 < len(sid) <= MAX_SUBJECT else None,
        auth_time=auth_time if isinstance(auth_time, int) and not isinstance(auth_time, bool) else None,
        has_second_factor=not methods.isdisjoint(provider.mfa_amr) or claims.get("acr") in provider.mfa_acr,
        **found,
    )


def of_plain(provider: Provider, told: Mapping[str, Any]) -> Profile:
    """From a provider's own description of a user, as OAuth 2.0 without OpenID has it. Raises `ProviderError`."""
    _hold_domain(provider, told)
    found = told.get(provider.claim("sub"))
    # GitHub and Discord number their users; `True` is a number to Python and to nobody else.
    subject = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    if not 0 < len(subject) <= MAX_SUBJECT:
        raise ProviderError("The provider does not say who it is.")
    return Profile(key=key_of(provider.issuer, subject), subject=subject, **_common(provider, told, told))


def _subject(provider: Provider, claims: Mapping[str, Any]) -> str:
    if not provider.has_tenants:
        return str(claims["sub"])
    # Microsoft Entra: `sub` differs for each application, and an address may be anybody's own invention.
    tenant, person = claims.get("tid"), claims.get("oid")
    if provider.issuer_of(tenant) is None or not isinstance(person, str) or not 0 < len(person) <= 100:
        raise IdTokenInvalid("no tid or oid")
    if provider.allowed_tenants and tenant not in provider.allowed_tenants:
        raise DomainNotAllowed("Sign in with an account of your organisation.")
    return f"{tenant}:{person}"


def _hold_domain(provider: Provider, told: Mapping[str, Any]) -> None:
    """The parameter that asks for a domain is only a hint to the provider: what counts is what it answers."""
    if provider.allowed_hosted_domains and told.get("hd") not in provider.allowed_hosted_domains:
        raise DomainNotAllowed("Sign in with an account of your organisation.")


def _common(provider: Provider, told: Mapping[str, Any], mail: Mapping[str, Any]) -> dict[str, Any]:
    email, verified = mail.get(provider.claim("email")), mail.get(provider.claim("email_verified"))
    name, locale = told.get(provider.claim("name")), told.get(provider.claim("locale"))
    good_email = email if _is_address(email) else None
    # An address at Entra counts as verified only by a claim that the configuration names.
    may_verify = not provider.has_tenants or "email_verified" in provider.claims_map
    return {
        "email": good_email,
        "email_verified": may_verify and good_email is not None and is_true(verified),
        "name": _text(name, 120),
        "locale": _text(locale, 35),
    }


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and 3 <= len(value) <= MAX_EMAIL and "@" in value


def _text(value: Any, longest: int) -> str | None:
    """A text as we may keep it, or none: a name is no reason to turn somebody away."""
    if not isinstance(value, str):
        return None
    kept = "".join(character for character in value if character.isprintable()).strip()
    return kept[:longest] or None
