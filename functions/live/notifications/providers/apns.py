"""Apple's devices by APNs, known by a token of ours.

Apple speaks HTTP/2 alone, and the safe client HTTP/1.1: outside a laptop `url` has to name a proxy that speaks both.
Without one there is no push to Apple's devices, and none is registered.
"""

import json
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tessera import clock
from tessera.auth import jws

from .credentials import Credentials
from .outcomes import Failed, Gone, Message, Refused, Target
from .wire import Wire, json_of, judged

# Apple refuses tokens older than an hour, and new ones more often than every 20 minutes.
TOKEN_SECONDS = 2_400
GONE = frozenset(["BadDeviceToken", "Unregistered", "DeviceTokenNotForTopic"])
STALE = frozenset(["ExpiredProviderToken", "InvalidProviderToken", "MissingProviderToken"])
MAX_COLLAPSE = 64


class APNs:
    def __init__(self, wire: Wire, credentials: Credentials) -> None:
        self._wire, self._credentials, self._lock = wire, credentials, threading.Lock()
        self._token = ("", 0)

    @property
    def is_there(self) -> bool:
        known = self._credentials.of("apns")
        return known is not None and bool(known.get("url"))

    def send(self, message: Message, target: Target) -> str:
        known = self._credentials.of("apns")
        if known is None or not known.get("url"):
            raise Refused("push-not-configured")
        headers = {
            "authorization": f"bearer {self._provider_token(known)}",
            "apns-topic": str(known["topic"]),
            "apns-push-type": "alert",
            "apns-priority": "10" if message.is_urgent else "5",
            "apns-expiration": str(clock.millis() // 1000 + message.ttl_seconds),
            "content-type": "application/json",
        }
        if message.collapse:
            headers["apns-collapse-id"] = message.collapse[:MAX_COLLAPSE]
        url = f"{known['url']}/3/device/{quote(target.address, safe='')}"
        found = self._wire.post(url, json.dumps(body_of(message)).encode(), headers, purpose="apns", ours=True)
        if found.status == 200:
            return found.headers.get("apns-id", "")
        reason = str(json_of(found).get("reason", found.status))
        if found.status == 410 or reason in GONE:
            raise Gone(reason)
        if reason in STALE:
            self._token = ("", 0)
            raise Failed(reason)
        raise judged(found, reason)

    def _provider_token(self, known: Mapping[str, Any]) -> str:
        """Signed by us, good for an hour (RFC 7519, ES256)."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        with self._lock:
            token, until = self._token
            now = clock.millis() // 1000
            if token and now < until:
                return token
            key = load_pem_private_key(str(known["private_key"]).encode(), None)
            if not isinstance(key, EllipticCurvePrivateKey):
                raise Refused("apns-key")
            signed = jws.sign_input({"alg": "ES256", "kid": known["key_id"]}, {"iss": known["team_id"], "iat": now})
            token = jws.compose(signed, jws.der_to_raw(key.sign(signed, ECDSA(SHA256()))))
            self._token = token, now + TOKEN_SECONDS
            return token


def body_of(message: Message) -> dict[str, Any]:
    words = message.words
    aps: dict[str, Any] = {"alert": {"title": words.title, "body": words.body}, "sound": "default"}
    if message.collapse:
        aps["thread-id"] = message.type
    return {"aps": aps, "id": message.id, "type": message.type, "link": words.link}
