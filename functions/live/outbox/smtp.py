"""The other way to carry mail: any SMTP server, such as a catcher on a laptop. It reports nothing afterwards."""

import smtplib
from typing import Self

from tessera.settings import Bindings, Settings

from .letters import Letter
from .provider import Failed, Refused, Throttled, Unsure

_TIMEOUT_SECONDS = 20
# A catcher is in no hurry; a real server says by itself when it is too much.
_RATE = 50.0


class SMTPSettings(Settings):
    # `host:port`; empty where SES carries the mail.
    smtp_server: str = ""
    mail_rate: float = 0


class SMTPProvider:
    def __init__(self, server: str, rate: float) -> None:
        host, _, port = server.partition(":")
        self._host, self._port, self._rate = host, int(port or 25), rate or _RATE

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(SMTPSettings)
        return cls(settings.smtp_server, settings.mail_rate)

    def send(self, letter: Letter) -> str:
        """The id that our own header gives it comes back, because SMTP has none. Raises `NotSent` or `Unsure`.

        Of a recipient who is refused while others are taken, nothing is heard.
        """
        try:
            server = smtplib.SMTP(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        except (OSError, smtplib.SMTPException) as error:
            raise Throttled(type(error).__name__) from error
        try:
            server.ehlo_or_helo_if_needed()
            server.sendmail(letter.sender, [*letter.to, *letter.cc, *letter.bcc], letter.mime())
        except smtplib.SMTPRecipientsRefused as error:
            raise _refusal(max(code for code, _ in error.recipients.values())) from error
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code) from error
        except (OSError, smtplib.SMTPException) as error:
            # The connection broke; whether the server had taken the mail by then nobody can say.
            raise Unsure(type(error).__name__) from error
        finally:
            server.close()
        return letter.message_id

    def rate(self) -> float:
        return self._rate


def _refusal(code: int) -> Exception:
    """RFC 5321 4.2.1: 4 is for now, 5 for good."""
    if 400 <= code < 500:
        return Throttled(f"smtp-{code}")
    return Refused(f"smtp-{code}") if code >= 500 else Failed(f"smtp-{code}")
