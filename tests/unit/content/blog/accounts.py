"""What `accounts` answers the blog, as far as the blog can tell it from the real one."""

import json
from typing import Any

from tessera import clock, ids
from tests.kit.tokens import Signer

REALM = "/accounts/internal/realm"


class Accounts:
    """People of the realm and of ours. With `silent`, nothing is answered."""

    def __init__(self, signer: Signer) -> None:
        self.signer, self.people, self.silent = signer, dict[str, dict[str, Any]](), False
        self.asked: list[str] = []

    def add(self, user_id: str, username: str | None = None, **fields: Any) -> None:
        """Somebody with an ordinary account."""
        known = {"user_id": user_id, "username": username, "name": None, "email": None, "realm": None, "epoch": 1}
        self.people[user_id] = {**known, "password": "", "is_active": True, **fields}

    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        assert function == "tessera-accounts"
        path, method = event["rawPath"].removeprefix(REALM), event["requestContext"]["http"]["method"]
        self.asked.append(f"{method} {path}")
        if self.silent:
            return _answer(503, {"detail": "Not now."})
        body = json.loads(event["body"] or "null")
        if (method, path) == ("POST", "/users"):
            return self._register(body)
        if path == "/authenticate":
            return self._authenticate(body)
        user_id, _, verb = path.removeprefix("/users/").partition("/")
        if user_id not in self.people:
            return _answer(404, {"detail": "There is no such user."})
        return self._update(user_id, body) if verb == "update" else _answer(200, self._shown(user_id))

    def _register(self, body: dict[str, str]) -> dict[str, Any]:
        refused = self._taken("", body) or _weak(body["password"])
        if refused:
            return refused
        user_id = ids.new()
        known = {name: body[name] for name in ("username", "email", "password")}
        self.add(user_id, realm="conduit", **known)
        return _answer(201, self._shown(user_id, token=True))

    def _authenticate(self, body: dict[str, str]) -> dict[str, Any]:
        for user_id, known in self.people.items():
            if (known["email"], known["password"]) == (body["email"], body["password"]):
                return _answer(200, self._shown(user_id, token=True))
        return _answer(401, {"detail": "Check both."})

    def _update(self, user_id: str, body: dict[str, str]) -> dict[str, Any]:
        refused = self._taken(user_id, body) or _weak(body.get("password", "long enough"))
        if refused:
            return refused
        known = self.people[user_id]
        known.update(body)
        known["epoch"] += "password" in body
        return _answer(200, self._shown(user_id))

    def _taken(self, user_id: str, body: dict[str, str]) -> dict[str, Any] | None:
        for name in ("username", "email"):
            others = [one[name] for other, one in self.people.items() if other != user_id]
            if name in body and body[name] in others:
                return _refused(409, name, "has already been taken")
        return None

    def _shown(self, user_id: str, *, token: bool = False) -> dict[str, Any]:
        known = self.people[user_id]
        shown = {name: value for name, value in known.items() if name != "password"}
        return {**shown, "token": self.token(user_id) if token else None}

    def token(self, user_id: str, **claims: Any) -> str:
        expires = int(clock.now().timestamp()) + 86_400
        told = {"sub": user_id, "sid": ids.new(), "exp": expires, "roles": ["conduit"], "scope": "blog:conduit"}
        return self.signer.token(**{**told, "ep": self.people[user_id]["epoch"], **claims})


def _weak(password: str) -> dict[str, Any] | None:
    return None if len(password) >= 8 else _refused(422, "password", "is too short (minimum is 8 characters)")


def _refused(status: int, field: str, said: str) -> dict[str, Any]:
    return _answer(status, {"errors": [{"pointer": f"/{field}", "detail": said}]})


def _answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "body": json.dumps(body)}
