"""Apple's push service, by HTTP/1.1 where Apple has HTTP/2 alone: path, headers and answers are its own.

The frames of HTTP/2 are tried in the unit tests of `notifications`, with a server of their own over TLS.
`inbox` holds what came, with its headers. A device token that begins with `gone` is no longer there. Faults: `push` is
a reason, such as TooManyRequests.
"""

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from localstack.stand_ins import signing
from localstack.stand_ins.wire import Answer, Asked, StandIn

CANONICAL = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
STATUSES = {"TooManyRequests": 429, "InternalServerError": 500, "ExpiredProviderToken": 403, "BadTopic": 400}


class APNs(StandIn):
    def __init__(
        self, team_id: str, key_id: str, topic: str, public: Any = None, *, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__()
        self.team_id, self.key_id, self.topic, self.public, self._now = team_id, key_id, topic, public, now
        self.inbox: list[dict[str, Any]] = []

    def say(self, asked: Asked) -> Answer:
        if asked.method != "POST" or not asked.path.startswith("/3/device/"):
            return _refused("BadPath", 404)
        device = asked.path.removeprefix("/3/device/")
        if not self._knows(asked.headers.get("authorization", "")):
            return _refused("InvalidProviderToken", 403)
        if asked.headers.get("apns-topic") != self.topic:
            return _refused("BadTopic", 400)
        if asked.headers.get("apns-push-type") != "alert" or asked.headers.get("apns-priority") not in ("5", "10"):
            return _refused("InvalidPushType", 400)
        if len(asked.headers.get("apns-collapse-id", "").encode()) > 64:
            return _refused("BadCollapseId", 400)
        apns_id = asked.headers.get("apns-id", str(uuid.uuid4()))
        if not CANONICAL.fullmatch(apns_id):
            return _refused("BadMessageId", 400)
        body = asked.json()
        if not isinstance(body, dict) or "aps" not in body:
            return _refused("PayloadEmpty", 400)
        if len(asked.body) > 4_096:
            return _refused("PayloadTooLarge", 413)
        if device.startswith("gone"):
            return Answer.json({"reason": "Unregistered", "timestamp": int(self._now() * 1_000)}, 410)
        reason = str(self.fault("push") or "")
        if reason:
            return _refused(reason, STATUSES.get(reason, 400))
        self.inbox.append({"device": device, "headers": dict(asked.headers), "body": body})
        return Answer(200, {"apns-id": apns_id.upper()})

    def _knows(self, authorization: str) -> bool:
        kind, _, token = authorization.partition(" ")
        try:
            header, claims = signing.read(token)
        except ValueError:
            return False
        fits = (
            kind == "bearer"
            and header.get("alg") == "ES256"
            and header.get("kid") == self.key_id
            and claims.get("iss") == self.team_id
            and 0 <= self._now() - claims.get("iat", 0) <= 3_600
        )
        return fits and (self.public is None or signing.is_signed(token, self.public))


def _refused(reason: str, status: int) -> Answer:
    return Answer.json({"reason": reason}, status)
