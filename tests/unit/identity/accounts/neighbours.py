"""The other capabilities, as far as `accounts` calls them: what they answer is set, what they were asked is kept."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tessera.auth.internal import NoAnswer

Reply = tuple[int, Any] | Callable[[dict[str, Any]], tuple[int, Any]] | None


@dataclass
class Neighbours:
    """`answers["/tasks/internal/erase"] = (200, {...})`, a callable of the body, or None for no answer at all."""

    answers: dict[str, Reply] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any], float]] = field(default_factory=list)

    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        path, body = event["rawPath"], json.loads(event["body"] or "{}")
        self.asked.append((path, body, timeout_seconds))
        reply = self.answers.get(path, _by_default(path))
        if reply is None:
            raise NoAnswer("nobody is there")
        status, said = reply(body) if callable(reply) else reply
        return {"statusCode": status, "body": json.dumps(said), "headers": {}, "isBase64Encoded": False}

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]


def _by_default(path: str) -> Reply:
    if path == "/sessions/internal/of":
        return 200, {"items": []}
    if path == "/sessions/internal/move":
        return 200, {"set_cookies": ["__Host-tessera_sid=another; Path=/; Secure; HttpOnly; SameSite=Lax"]}
    if path == "/sessions/internal/end":
        return lambda body: (200, {"ended": 0}) if body.get("all") else (404, {"type": "/problems/not-found"})
    if path.endswith("/internal/erase"):
        return 200, {"done": True, "erased": 0}
    return 404, {"type": "/problems/not-found"}
