"""What providers know us by. One secret holds all of it, written by a person; a laptop has its own, of no worth.

`{"twilio": {"account_sid", "auth_token", "from"}, "fcm": <service account>, "apns": {"team_id", "key_id",
"private_key", "topic"}, "vapid": {"private_key"}}`. What is left out is a channel that is not there.
"""

import json
import threading
from collections.abc import Mapping
from typing import Any, Self

from tessera import aws, clock
from tessera.auth.mac import Mac
from tessera.problems import Unavailable
from tessera.settings import Bindings

from ..config import NotifySettings

HOLD_MS = 300_000
# They open nothing but the stand-ins of the local cloud.
DEMO_TWILIO = {"account_sid": "ACtesseralocal", "auth_token": "a-token-of-no-worth", "from": "+15005550006"}
DEMO_PROJECT, DEMO_ACCOUNT = "tessera-local", "notify@tessera-local.example"
DEMO_APNS = {"team_id": "LOCALTEAM1", "key_id": "LOCALKEY01", "topic": "example.tessera"}


class Credentials:
    def __init__(self, secret_id: str, stand_ins: str, mac: Mac) -> None:
        self._secret_id, self._stand_ins, self._mac = secret_id, stand_ins.rstrip("/"), mac
        self._lock = threading.Lock()
        self._held: tuple[int, Mapping[str, Any]] | None = None

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(NotifySettings)
        local = settings.stand_ins if settings.is_local else ""
        return cls(settings.providers, local, bindings.get(Mac))

    def of(self, provider: str) -> Mapping[str, Any] | None:
        """What one provider knows us by, or None. 1 request in five minutes. Raises `Unavailable`."""
        with self._lock:
            now = clock.millis()
            if self._held is None or not 0 <= now - self._held[0] < HOLD_MS:
                self._held = now, self._read()
            return self._held[1].get(provider)

    def vapid_seed(self) -> bytes:
        """32 bytes that are always the same for this stack, from which its key for web push is made."""
        return self._mac("vapid").sign(b"web push")[1:]

    def _read(self) -> Mapping[str, Any]:
        if self._secret_id:
            try:
                answer = aws.client("secretsmanager").get_secret_value(SecretId=self._secret_id)
                found: Mapping[str, Any] = json.loads(answer["SecretString"])
            except (aws.ClientError, aws.BotoCoreError, ValueError) as error:
                raise Unavailable("The credentials of providers cannot be read right now.") from error
            return found
        return _demo(self._stand_ins) if self._stand_ins else {}


def _demo(base: str) -> Mapping[str, Any]:
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
