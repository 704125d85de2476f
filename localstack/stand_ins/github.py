"""GitHub's wire format: OAuth 2.0 without OpenID, an error under a good status, e-mail addresses of their own.

Faults: `token`, `user`, `emails` are a status, `html`, `huge`, `metadata` or `elsewhere`; `token_error` is the code of
an error under a good status; `address` replaces what is said of the primary address.
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localstack.stand_ins import signing
from localstack.stand_ins.people import EVERYBODY, Somebody, WithPeople, choice
from localstack.stand_ins.wire import Answer, Asked, Refused, broken

# What GitHub calls itself in its answers, and nowhere else.
ISSUER = "https://github.com/login/oauth"


@dataclass
class _Grant:
    person: Somebody
    redirect_uri: str
    challenge: str
    scope: str


class GitHub(WithPeople):
    """Both hosts in one: what is github.com's and what is api.github.com's below one address."""

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
        self._access: dict[str, _Grant] = {}

    def say(self, asked: Asked) -> Answer:
        if asked.path == "/login/oauth/authorize":
            return self._authorize(asked)
        if (asked.method, asked.path) == ("POST", "/login/oauth/access_token"):
            return self._token(asked)
        if asked.path in ("/user", "/user/emails") and asked.method == "GET":
            return self._user(asked)
        if (asked.method, asked.path) == ("DELETE", f"/applications/{self.client_id}/token"):
            return self._revoke(asked)
        return Answer.json({"message": "Not Found"}, 404)

    def _authorize(self, asked: Asked) -> Answer:
        sent = {**asked.query, **asked.form}
        if sent.get("client_id") != self.client_id or sent.get("redirect_uri") not in self.redirect_uris:
            return Answer.html("404", "<p>This is not the web page you are looking for.</p>", 404)
        if asked.method == "GET":
            return choice(asked, "GitHub (stub)", self.everybody)
        person = self.everybody.get(sent.get("as", ""))
        if person is None:
            return Answer.redirect(sent["redirect_uri"], {"error": "access_denied", "state": sent.get("state", "")})
        code = secrets.token_hex(10)
        challenge = sent.get("code_challenge", "") if sent.get("code_challenge_method") == "S256" else ""
        self._grants[code] = _Grant(person, sent["redirect_uri"], challenge, sent.get("scope", ""))
        return Answer.redirect(sent["redirect_uri"], {"code": code, "state": sent.get("state", ""), "iss": ISSUER})

    def _token(self, asked: Asked) -> Answer:
        spoiled = broken(str(self.fault("token") or ""))
        if spoiled:
            return spoiled
        form, error = asked.form, str(self.fault("token_error") or "")
        grant = self._grants.pop(form.get("code", ""), None)
        if not error and (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.secret):
            error = "incorrect_client_credentials"
        if not error and (grant is None or not _holds(grant, form)):
            error = "bad_verification_code"
        if error or grant is None:
            return self._as_asked(asked, {"error": error, "error_description": "It did not work."})
        token = f"gho_{secrets.token_hex(18)}"
        self._access[token] = grant
        return self._as_asked(asked, {"access_token": token, "scope": grant.scope, "token_type": "bearer"})

    @staticmethod
    def _as_asked(asked: Asked, values: dict[str, str]) -> Answer:
        """Unless JSON is asked for by name, the answer is a form."""
        if asked.headers.get("accept") == "application/json":
            return Answer.json(values)
        text = "&".join(f"{name}={value}" for name, value in values.items())
        return Answer(200, {"content-type": "application/x-www-form-urlencoded"}, text.encode())

    def _user(self, asked: Asked) -> Answer:
        wants_emails = asked.path == "/user/emails"
        spoiled = broken(str(self.fault("emails" if wants_emails else "user") or ""))
        if spoiled:
            return spoiled
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        grant = self._access.get(token) if kind.lower() in ("bearer", "token") else None
        if grant is None:
            return Answer.json({"message": "Bad credentials"}, 401)
        if not asked.headers.get("user-agent"):
            return Answer.json({"message": "Request forbidden by administrative rules."}, 403)
        person = grant.person
        if not wants_emails:
            return Answer.json({"id": person.number, "login": person.sub, "name": person.name, "email": person.email})
        if "user:email" not in grant.scope.replace(",", " ").split():
            return Answer.json({"message": "Not Found"}, 404)
        return Answer.json(self._addresses(person))

    def _addresses(self, person: Somebody) -> list[dict[str, Any]]:
        other = {"email": f"{person.sub}@users.noreply.stub.example", "verified": True, "primary": False}
        primary = {"email": person.email, "verified": person.verified, "primary": True, "visibility": "private"}
        changed = {**primary, **(self.fault("address") or {})}
        return [other, {name: value for name, value in changed.items() if value != "absent"}] if person.email else []

    def _revoke(self, asked: Asked) -> Answer:
        spoiled = broken(str(self.fault("revoke") or ""))
        if spoiled:
            return spoiled
        basic = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {basic}":
            raise Refused(Answer.json({"message": "Requires authentication"}, 401))
        token = str((asked.json() or {}).get("access_token", ""))
        self.revoked.append(token)
        return Answer(204) if self._access.pop(token, None) else Answer.json({"message": "Not Found"}, 404)


def _holds(grant: _Grant, form: Mapping[str, str]) -> bool:
    if grant.redirect_uri != form.get("redirect_uri"):
        return False
    return not grant.challenge or signing.s256(form.get("code_verifier", "")) == grant.challenge
