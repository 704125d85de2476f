"""Google's token endpoint and FCM's HTTP v1 API.

`inbox` holds the messages. A token that begins with `gone` is no longer registered. Faults: `send` is a status,
`error` the code of an error, such as UNAVAILABLE.
"""

import secrets
from typing import Any
from urllib.parse import unquote

from localstack.stand_ins import signing
from localstack.stand_ins.wire import Answer, Asked, StandIn, broken

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
STATUSES = {
    "INVALID_ARGUMENT": 400,
    "UNREGISTERED": 404,
    "SENDER_ID_MISMATCH": 403,
    "UNAVAILABLE": 503,
    "INTERNAL": 500,
}
KNOWN = frozenset(
    ["token", "topic", "condition", "notification", "data", "android", "apns", "webpush", "fcm_options", "name"]
)


class FCM(StandIn):
    def __init__(self, project: str, account: str) -> None:
        super().__init__()
        self.project, self.account = project, account
        self.inbox: list[dict[str, Any]] = []
        self._tokens: set[str] = set()

    def say(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("POST", "/token"):
            return self._token(asked)
        if (asked.method, asked.path) == ("POST", f"/v1/projects/{self.project}/messages:send"):
            return self._send(asked)
        return Answer.json({"error": {"code": 404, "status": "NOT_FOUND"}}, 404)

    def revoke(self) -> None:
        self._tokens.clear()

    def _token(self, asked: Asked) -> Answer:
        form = asked.form
        try:
            header, claims = signing.read(form.get("assertion", ""))
        except ValueError:
            return Answer.json({"error": "invalid_grant"}, 400)
        right = (
            form.get("grant_type") == GRANT
            and header.get("alg") == "RS256"
            and claims.get("iss") == self.account
            and claims.get("scope") == SCOPE
            and claims.get("aud") == f"{self.base}/token"
            and 0 < claims.get("exp", 0) - claims.get("iat", 0) <= 3_600
        )
        if not right:
            return Answer.json({"error": "invalid_grant", "error_description": "Invalid JWT"}, 400)
        token = f"ya29.{secrets.token_hex(20)}"
        self._tokens.add(token)
        return Answer.json({"access_token": token, "expires_in": 3_599, "token_type": "Bearer"})

    def _send(self, asked: Asked) -> Answer:
        spoiled = broken(str(self.fault("send") or ""))
        if spoiled:
            return spoiled
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token not in self._tokens:
            return _error("UNAUTHENTICATED", 401)
        code = str(self.fault("error") or "")
        message = (asked.json() or {}).get("message") or {}
        device = unquote(str(message.get("token", "")))
        if device.startswith("gone"):
            code = "UNREGISTERED"
        if not device or set(message) - KNOWN or not _are_texts(message.get("data", {})):
            code = "INVALID_ARGUMENT"
        if code:
            return _error(code, STATUSES.get(code, 500))
        self.inbox.append(message)
        return Answer.json({"name": f"projects/{self.project}/messages/0:{secrets.token_hex(8)}"})


def _are_texts(data: Any) -> bool:
    return isinstance(data, dict) and all(isinstance(value, str) for value in data.values())


def _error(code: str, status: int) -> Answer:
    detail = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}
    return Answer.json({"error": {"code": status, "status": code, "details": [detail]}}, status)
