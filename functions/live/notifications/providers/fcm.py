"""Android (and whoever else has one of its tokens) by FCM's HTTP v1 API."""

import json
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from tessera import clock
from tessera.auth import jws

from .credentials import Credentials
from .outcomes import Failed, Gone, Message, Refused, Target
from .wire import Wire, json_of, judged

API = "https://fcm.googleapis.com"
TOKENS = "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_SECONDS, SPARE_SECONDS = 3_600, 60


class FCM:
    def __init__(self, wire: Wire, credentials: Credentials) -> None:
        self._wire, self._credentials, self._lock = wire, credentials, threading.Lock()
        self._token = ("", 0)

    def send(self, message: Message, target: Target) -> str:
        account = self._credentials.of("fcm")
        if account is None:
            raise Refused("push-not-configured")
        token = self._access_token(account)
        url = f"{account.get('url', API)}/v1/projects/{quote(str(account['project_id']), safe='')}/messages:send"
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        body = json.dumps({"message": body_of(message, target)}, ensure_ascii=False).encode()
        found = self._wire.post(url, body, headers, purpose="fcm", ours=True)
        said = json_of(found)
        if found.ok and said.get("name"):
            return str(said["name"])
        error = said.get("error")
        details = error.get("details", ()) if isinstance(error, dict) else ()
        codes = {one.get("errorCode") for one in details if isinstance(one, dict)}
        if "UNREGISTERED" in codes or found.status == 404:
            raise Gone("unregistered")
        if "SENDER_ID_MISMATCH" in codes:
            raise Gone("sender-id-mismatch")
        if found.status == 401:
            self._token = ("", 0)
            raise Failed("fcm-unauthorized")
        raise judged(found, f"fcm-{next(iter(codes - {None}), found.status)}".lower())

    def _access_token(self, account: Mapping[str, Any]) -> str:
        """A token of the service account's. 1 request an hour and process (RFC 7523)."""
        with self._lock:
            token, until = self._token
            now = clock.millis() // 1000
            if token and now < until - SPARE_SECONDS:
                return token
            address = str(account.get("token_uri", TOKENS))
            form = {"grant_type": GRANT, "assertion": _assertion(account, address, now)}
            headers = {"content-type": "application/x-www-form-urlencoded"}
            found = self._wire.post(address, urlencode(form).encode(), headers, purpose="fcm-token", ours=True)
            said = json_of(found)
            if not found.ok or not isinstance(said.get("access_token"), str):
                raise Failed("fcm-token")
            life = said.get("expires_in")
            self._token = said["access_token"], now + (life if isinstance(life, int) else ASSERTION_SECONDS)
            return self._token[0]


def body_of(message: Message, target: Target) -> dict[str, Any]:
    words = message.words
    data = {"id": message.id, "type": message.type, "link": words.link, "count": str(message.count)}
    android: dict[str, Any] = {
        "priority": "HIGH" if message.is_urgent else "NORMAL",
        "ttl": f"{message.ttl_seconds}s",
    }
    if message.collapse:
        android["collapse_key"] = message.collapse
        android["notification"] = {"tag": message.collapse}
    return {
        "token": target.address,
        "notification": {"title": words.title, "body": words.body},
        "data": {name: value for name, value in data.items() if value},
        "android": android,
    }


def _assertion(account: Mapping[str, Any], audience: str, now: int) -> str:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(str(account["private_key"]).encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise Refused("fcm-key")
    header = {
        "alg": "RS256",
        "typ": "JWT",
        **({"kid": account["private_key_id"]} if "private_key_id" in account else {}),
    }
    claims = {
        "iss": account["client_email"],
        "scope": SCOPE,
        "aud": audience,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
    }
    signed = jws.sign_input(header, claims)
    return f"{signed.decode()}.{jws.encode(key.sign(signed, PKCS1v15(), SHA256()))}"
