"""The mails we ask for. What must stay secret is sealed here, so that it never travels in clear."""

from collections.abc import Mapping
from typing import Any

from tessera import clock
from tessera.sealed import seal

from .events import MailRequested
from .ports import Ports

PURPOSE = "mail"


def verify_sign_up(ports: Ports, *, to: str, locale: str | None, code: str, token: str) -> MailRequested:
    # In the fragment, which no server and no proxy ever sees.
    link = f"{ports.settings.base}/#verify={token}"
    return _sealed(ports, to, "verify-sign-up", locale, {"code": code, "link": link})


def already_registered(ports: Ports, *, to: str, locale: str | None, token: str) -> MailRequested:
    return _sealed(ports, to, "already-registered", locale, {"link": _reset_link(ports, token)})


def password_reset(ports: Ports, *, to: str, locale: str | None, token: str) -> MailRequested:
    return _sealed(ports, to, "password-reset", locale, {"link": _reset_link(ports, token)})


def notice(template: str, *, to: str, locale: str | None, **data: str) -> MailRequested:
    """A mail without secrets, saying when it happened."""
    at = f"{clock.now():%Y-%m-%d %H:%M} UTC"
    return MailRequested(to=to, template=template, locale=locale, data={"at": at, **data})


def confirm_new_email(ports: Ports, *, to: str, locale: str | None, code: str) -> MailRequested:
    return _sealed(ports, to, "confirm-new-email", locale, {"code": code})


def email_in_use(ports: Ports, *, to: str, locale: str | None, code: str) -> MailRequested:
    """Sealed, like the mail it stands for, so that asking costs the same whether or not an address is taken."""
    return _sealed(ports, to, "email-in-use", locale, {"unused": code})


def email_changed(ports: Ports, *, to: str, locale: str | None, new: str, token: str) -> MailRequested:
    link = f"{ports.settings.base}/#revert={token}"
    return _sealed(ports, to, "email-changed", locale, {"link": link}, email=masked(new))


def email_reverted(ports: Ports, *, to: str, locale: str | None, token: str) -> MailRequested:
    return _sealed(ports, to, "email-reverted", locale, {"link": _reset_link(ports, token)})


def masked(email: str) -> str:
    """Enough of an address to know it by: `a…@example.com`."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}"


def any_mail(
    ports: Ports,
    *,
    to: str,
    template: str,
    locale: str | None,
    data: Mapping[str, str],
    secret: Mapping[str, str] | None,
) -> MailRequested:
    """A mail that another of our services has written the template of."""
    at = f"{clock.now():%Y-%m-%d %H:%M} UTC"
    sealed = seal(ports.settings.mail_key, PURPOSE, dict(secret)) if secret else None
    return MailRequested(to=to, template=template, locale=locale, data={"at": at, **data}, secret=sealed)


def _reset_link(ports: Ports, token: str) -> str:
    return f"{ports.settings.base}/#reset={token}"


def _sealed(
    ports: Ports, to: str, template: str, locale: str | None, values: dict[str, Any], **data: str
) -> MailRequested:
    """1 request to KMS."""
    at = f"{clock.now():%Y-%m-%d %H:%M} UTC"
    sealed = seal(ports.settings.mail_key, PURPOSE, values)
    return MailRequested(to=to, template=template, locale=locale, data={"at": at, **data}, secret=sealed)
