"""Everything the actions stand on, bound once for an app."""

from dataclasses import dataclass
from typing import Self

from tessera.auth.mac import Mac
from tessera.live import Live
from tessera.settings import Bindings

from .config import NotifySettings
from .providers.apns import APNs
from .providers.credentials import Credentials
from .providers.email import Mail
from .providers.fcm import FCM
from .providers.outcomes import Provider
from .providers.sns import SNS
from .providers.twilio import Twilio
from .providers.webhook import Webhook
from .providers.webpush import WebPush
from .providers.wire import Wire
from .store import NotifyStore


@dataclass(frozen=True)
class Ports:
    store: NotifyStore
    settings: NotifySettings
    live: Live
    mac: Mac
    credentials: Credentials
    wire: Wire
    mail: Mail
    sms: Provider
    fcm: FCM
    apns: APNs
    webpush: WebPush
    webhook: Webhook

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(NotifySettings)
        wire, credentials, mac = bindings.get(Wire), bindings.get(Credentials), bindings.get(Mac)
        twilio = Twilio(wire, credentials, f"{settings.base}/notifications/sms/status")
        return cls(
            store=bindings.get(NotifyStore),
            settings=settings,
            live=bindings.get(Live),
            mac=mac,
            credentials=credentials,
            wire=wire,
            mail=bindings.get(Mail),
            sms=SNS() if settings.sms_provider == "sns" else twilio,
            fcm=FCM(wire, credentials),
            apns=APNs(wire, credentials),
            webpush=WebPush(wire, credentials, settings.vapid_contact),
            webhook=Webhook(wire, mac),
        )

    def push_of(self, platform: str) -> Provider:
        found: dict[str, Provider] = {"web": self.webpush, "fcm": self.fcm, "apns": self.apns}
        return found[platform]
