"""Apple's devices by APNs, known by a token of ours.

Apple speaks HTTP/2 alone, so it has a client of its own. A `url` names somebody else, who is spoken to by HTTP/1.1: the
stand-in of a laptop, or a proxy. Without credentials there is no push to Apple's devices, and none is registered.
"""

import json
import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol
from urllib.parse import quote
from uuid import UUID, uuid5

from tessera import clock
from tessera.auth import jws
from tessera.safehttp import Fetched
from tessera.safehttp.gate import Gate

from .credentials import Credentials
from .outcomes import Failed, Gone, Message, Refused, Target
from .wire import Wire, json_of, judged

HOST, SANDBOX = "api.push.apple.com", "api.sandbox.push.apple.com"
NEEDED = ("team_id", "key_id", "private_key", "topic")
# Names of ours, from which ids are made that Apple takes.
NAMES = UUID("6f0a2c52-5d8e-4d35-9a50-9c2f1f3b7e11")
# Apple refuses tokens older than an hour, and new ones more often than every 20 minutes.
TOKEN_SECONDS = 2_400
GONE = frozenset(["BadDeviceToken", "Unregistered", "DeviceTokenNotForTopic"])
STALE = frozenset(["ExpiredProviderToken", "InvalidProviderToken", "MissingProviderToken"])
MAX_COLLAPSE = 64


class Apple(Protocol):
    """One of Apple's hosts. Raises as `Wire.post` does."""

    def post(self, path: str, body: bytes, headers: Mapping[str, str], *, purpose: str) -> Fetched: ...


class APNs:
    def __init__(
        self, wire: Wire, credentials: Credentials, *, apple: Callable[[str, Gate], Apple] | None = None
    ) -> None:
        self._wire, self._credentials, self._lock = wire, credentials, threading.Lock()
        # Its connections are kept for as long as the process lives.
        self._apple = cache(apple or _by_http2)
        self._token = ("", 0)

    @property
    def is_there(self) -> bool:
        return self._known() is not None

    def send(self, message: Message, target: Target) -> str:
        known = self._known()
        if known is None:
            raise Refused("push-not-configured")
        apns_id = id_of(message, target)
        headers = {
            "apns-id": apns_id,
            "authorization": f"bearer {self._provider_token(known)}",
            "apns-topic": str(known["topic"]),
            "apns-push-type": "alert",
            "apns-priority": "10" if message.is_urgent else "5",
            "apns-expiration": str(clock.millis() // 1000 + message.ttl_seconds),
            "content-type": "application/json",
        }
        if message.collapse:
            headers["apns-collapse-id"] = message.collapse[:MAX_COLLAPSE]
        path = f"/3/device/{quote(target.address, safe='')}"
        found = self._post(known, path, json.dumps(body_of(message)).encode(), headers)
        if found.status == 200:
            return found.headers.get("apns-id", apns_id)
        reason = str(json_of(found).get("reason", found.status))
        if found.status == 410 or reason in GONE:
            raise Gone(reason)
        if reason in STALE:
            self._token = ("", 0)
            raise Failed(reason)
        raise judged(found, reason)

    def _known(self) -> Mapping[str, Any] | None:
        known = self._credentials.of("apns")
        return known if known is not None and all(known.get(name) for name in NEEDED) else None

    def _post(self, known: Mapping[str, Any], path: str, body: bytes, headers: Mapping[str, str]) -> Fetched:
        if known.get("url"):
            return self._wire.post(f"{known['url']}{path}", body, headers, purpose="apns", ours=True)
        host = SANDBOX if known.get("sandbox") is True else HOST
        return self._apple(host, self._wire.gate).post(path, body, headers, purpose="apns")

    def _provider_token(self, known: Mapping[str, Any]) -> str:
        """Signed by us, good for an hour (RFC 7519, ES256)."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        with self._lock:
            token, until = self._token
            now = clock.millis() // 1000
            if token and now < until:
                return token
            try:
                key = load_pem_private_key(str(known["private_key"]).encode(), None)
            except (ValueError, TypeError, UnsupportedAlgorithm):
                raise Refused("apns-key") from None
            if not isinstance(key, EllipticCurvePrivateKey):
                raise Refused("apns-key")
            signed = jws.sign_input({"alg": "ES256", "kid": known["key_id"]}, {"iss": known["team_id"], "iat": now})
            token = jws.compose(signed, jws.der_to_raw(key.sign(signed, ECDSA(SHA256()))))
            self._token = token, now + TOKEN_SECONDS
            return token


def id_of(message: Message, target: Target) -> str:
    """The same for each try of one message at one device, so that Apple and its logs know it for the same."""
    return str(uuid5(NAMES, f"{message.id}#{target.id}"))


def body_of(message: Message) -> dict[str, Any]:
    words = message.words
    aps: dict[str, Any] = {"alert": {"title": words.title, "body": words.body}, "sound": "default"}
    if message.collapse:
        aps["thread-id"] = message.type
    return {"aps": aps, "id": message.id, "type": message.type, "link": words.link}


def _by_http2(host: str, gate: Gate) -> Apple:
    # It loads `h2`, which only what goes to Apple needs.
    from .http2.client import HTTP2

    return HTTP2(f"https://{host}", gate)
