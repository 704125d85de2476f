"""Facebook's wire format: a versioned Graph API whose calls need a proof of the app's secret.

Faults: `token` and `me` are a status, `html`, `huge`, `metadata` or `elsewhere`; `profile` replaces fields.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from localstack.stand_ins import signing
from localstack.stand_ins.people import EVERYBODY, Somebody, WithPeople, choice
from localstack.stand_ins.wire import Answer, Asked, broken

VERSION = "v23.0"


@dataclass
class _Grant:
    person: Somebody
    redirect_uri: str
    challenge: str


class Facebook(WithPeople):
    def __init__(
        self,
        client_id: str,
        secret: str,
        redirect_uris: frozenset[str],
        *,
        everybody: Mapping[str, Somebody] = EVERYBODY,
    ) -> None:
        super().__init__(everybody)
        self.client_id, self.secret, self.redirect_uris = client_id, secret, redirect_uris
        self.revoked: list[str] = []
        self._grants: dict[str, _Grant] = {}
        self._access: dict[str, Somebody] = {}

    def say(self, asked: Asked) -> Answer:
        if asked.path == f"/{VERSION}/dialog/oauth":
            return self._authorize(asked)
        if asked.path == f"/{VERSION}/oauth/access_token":
            return self._token(asked)
        if (asked.method, asked.path) == ("GET", f"/{VERSION}/me"):
            return self._me(asked)
        if (asked.method, asked.path) == ("DELETE", f"/{VERSION}/me/permissions"):
            return self._revoke(asked)
        return _error(2500, "Unknown path components", 400)

    def _authorize(self, asked: Asked) -> Answer:
        sent = {**asked.query, **asked.form}
        if sent.get("client_id") != self.client_id or sent.get("redirect_uri") not in self.redirect_uris:
            return Answer.html("URL blocked", "<p>This redirect failed because the URI is not allowed.</p>", 400)
        if asked.method == "GET":
            return choice(asked, "Facebook (stub)", self.everybody)
        person = self.everybody.get(sent.get("as", ""))
        if person is None:
            refused = {"error": "access_denied", "error_reason": "user_denied", "state": sent.get("state", "")}
            return Answer.redirect(sent["redirect_uri"], refused)
        code = secrets.token_urlsafe(40)
        self._grants[code] = _Grant(person, sent["redirect_uri"], sent.get("code_challenge", ""))
        return Answer.redirect(sent["redirect_uri"], {"code": code, "state": sent.get("state", "")})

    def _token(self, asked: Asked) -> Answer:
        spoiled = broken(str(self.fault("token") or ""))
        if spoiled:
            return spoiled
        sent = {**asked.query, **asked.form}
        grant = self._grants.pop(sent.get("code", ""), None)
        if (sent.get("client_id"), sent.get("client_secret")) != (self.client_id, self.secret):
            return _error(1, "Error validating client secret.", 400)
        if grant is None or grant.redirect_uri != sent.get("redirect_uri"):
            return _error(100, "This authorization code has been used.", 400)
        if grant.challenge and signing.s256(sent.get("code_verifier", "")) != grant.challenge:
            return _error(100, "Error validating code verifier.", 400)
        token = f"EAA{secrets.token_hex(30)}"
        self._access[token] = grant.person
        return Answer.json({"access_token": token, "token_type": "bearer", "expires_in": 5_183_944})

    def _me(self, asked: Asked) -> Answer:
        spoiled = broken(str(self.fault("me") or ""))
        if spoiled:
            return spoiled
        person, refusal = self._who(asked)
        if person is None:
            return refusal
        fields = asked.query.get("fields", "id,name").split(",")
        whole = {"id": str(person.number), "name": person.name, "email": person.email or None}
        whole |= self.fault("profile") or {}
        return Answer.json({name: whole[name] for name in fields if whole.get(name) is not None})

    def _who(self, asked: Asked) -> tuple[Somebody | None, Answer]:
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        person = self._access.get(token) if kind.lower() in ("bearer", "oauth") else None
        if person is None:
            return None, _error(190, "Invalid OAuth access token.", 400)
        proof = hmac.new(self.secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        if asked.query.get("appsecret_proof") != proof:
            return None, _error(100, "API calls from the server require an appsecret_proof argument", 400)
        return person, Answer()

    def _revoke(self, asked: Asked) -> Answer:
        spoiled = broken(str(self.fault("revoke") or ""))
        if spoiled:
            return spoiled
        person, refusal = self._who(asked)
        if person is None:
            return refusal
        token = asked.headers["authorization"].partition(" ")[2]
        self.revoked.append(token)
        self._access.pop(token)
        return Answer.json({"success": True})


def _error(code: int, message: str, status: int) -> Answer:
    return Answer.json({"error": {"message": message, "type": "OAuthException", "code": code}}, status)
