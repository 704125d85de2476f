"""The mails we ask for. What must stay secret is sealed here, so that it never travels in clear."""

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


def _reset_link(ports: Ports, token: str) -> str:
    return f"{ports.settings.base}/#reset={token}"


def _sealed(ports: Ports, to: str, template: str, locale: str | None, values: dict[str, Any]) -> MailRequested:
    """1 request to KMS."""
    return MailRequested(to=to, template=template, locale=locale, secret=seal(ports.settings.mail_key, PURPOSE, values))
