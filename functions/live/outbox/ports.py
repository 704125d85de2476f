"""Everything the actions stand on, bound once for an app."""

from dataclasses import dataclass
from typing import Self

from tessera.auth.mac import Mac
from tessera.settings import Bindings

from .files import Files
from .listeners import Listeners
from .provider import Provider, SESProvider
from .smtp import SMTPProvider, SMTPSettings
from .store import MailStore


@dataclass(frozen=True)
class Ports:
    store: MailStore
    provider: Provider
    files: Files
    listeners: Listeners
    mac: Mac
    # Where links in mails lead.
    base: str

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        smtp = bindings.settings(SMTPSettings)
        return cls(
            store=bindings.get(MailStore),
            provider=bindings.get(SMTPProvider) if smtp.smtp_server else bindings.get(SESProvider),
            files=bindings.get(Files),
            listeners=bindings.get(Listeners),
            mac=bindings.get(Mac),
            base=smtp.public_base_url.rstrip("/"),
        )
