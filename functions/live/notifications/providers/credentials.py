"""What providers know us by. One secret holds all of it, written by a person; a laptop has its own, of no worth.

`{"twilio": {"account_sid", "auth_token", "from"}, "fcm": <service account>, "apns": {"team_id", "key_id",
"private_key", "topic"}, "vapid": {"private_key"}}`. What is left out is a channel that is not there. With
`"sandbox": true`, `apns` is where Apple takes what is meant for apps under development; the rest goes to their users.
"""

import functools
from collections.abc import Mapping
from typing import Any, Self

from tessera.auth.mac import Mac
from tessera.problems import Unavailable
from tessera.providers import Providers, SecretUnread
from tessera.settings import Bindings

from ..config import NotifySettings

# They open nothing but the stand-ins of the local cloud.
DEMO_TWILIO = {"account_sid": "ACtesseralocal", "auth_token": "a-token-of-no-worth", "from": "+15005550006"}
DEMO_PROJECT, DEMO_ACCOUNT = "tessera-local", "notify@tessera-local.example"
DEMO_APNS = {"team_id": "LOCALTEAM1", "key_id": "LOCALKEY01", "topic": "example.tessera"}


class Credentials:
    def __init__(self, secret_id: str, stand_ins: str, mac: Mac) -> None:
        self._mac = mac
        self._providers = None if stand_ins and not secret_id else Providers(secret_id)
        self._demo = functools.cache(lambda: _demo(stand_ins.rstrip("/")))

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(NotifySettings)
        local = settings.stand_ins if settings.is_local else ""
        return cls(settings.providers, local, bindings.get(Mac))

    def of(self, provider: str) -> Mapping[str, Any] | None:
        """What one provider knows us by, or None. 1 request in five minutes. Raises `Unavailable`."""
        if self._providers is None:
            return self._demo().get(provider)
        try:
            return self._providers.of(provider) or None
        except SecretUnread as error:
            raise Unavailable("The credentials of providers cannot be read right now.") from error

    def vapid_seed(self) -> bytes:
        """32 bytes that are always the same for this stack, from which its key for web push is made."""
        return self._mac("vapid").sign(b"web push")[1:]


def _demo(base: str) -> Mapping[str, Mapping[str, Any]]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    # New in each process: the stand-ins look at the form of a token and not at who signed it.
    account = rsa.generate_private_key(65_537, 2_048).private_bytes(*form).decode()
    apns = ec.generate_private_key(ec.SECP256R1()).private_bytes(*form).decode()
    return {
        "twilio": {**DEMO_TWILIO, "url": f"{base}/twilio"},
        "fcm": {
            "project_id": DEMO_PROJECT,
            "client_email": DEMO_ACCOUNT,
            "private_key": account,
            "token_uri": f"{base}/fcm/token",
            "url": f"{base}/fcm",
        },
        "apns": {**DEMO_APNS, "private_key": apns, "url": f"{base}/apns"},
    }
