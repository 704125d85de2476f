"""A strict OpenID provider: it checks all it may, and does wrong only what a fault tells it to.

Faults, each a name with a value, by which answer goes wrong:
`token`, `jwks`, `discovery`, `userinfo`: a status, or `html`, `huge`, `metadata` (a redirect to cloud metadata),
`elsewhere` (a redirect to another host); `token` also `refuse` and `pending` (an error under a good status).
`id_token`: see `_spoiled`. `iss`: the response parameter is `absent` or another issuer. `state`: another one.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from localstack.stand_ins import signing
from localstack.stand_ins.people import EVERYBODY, Somebody, WithPeople, choice, form_post
from localstack.stand_ins.signing import Key
from localstack.stand_ins.wire import Answer, Asked, Refused, broken

CODE_SECONDS, TOKEN_SECONDS = 60, 600
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
FULL_SCOPE = frozenset(["openid", "email", "profile", "offline_access"])


@dataclass
class RegisteredClient:
    """`auth` is `basic`, `post`, `private_key_jwt` or `none`; of the last two kinds no secret is known."""

    id: str
    secret: str = ""
    auth: str = "basic"
    redirect_uris: frozenset[str] = frozenset()
    public_key: Any = None


@dataclass
class _Grant:
    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str
    scope: frozenset[str]
    person: Somebody
    sid: str
    expires: float
    tokens: list[str] = field(default_factory=list)
    used: bool = False


class IdentityProvider(WithPeople):
    """Mounted at `base`, which is its issuer. `now` is a clock in seconds; `keys` by algorithm may be brought along."""

    def __init__(
        self,
        *clients: RegisteredClient,
        algs: tuple[str, ...] = ("ES256", "RS256"),
        now: Callable[[], float] = time.time,
        everybody: Mapping[str, Somebody] = EVERYBODY,
        advertises_iss: bool = True,
        keys: Mapping[str, Key] | None = None,
    ) -> None:
        super().__init__(everybody)
        self.clients = {client.id: client for client in clients}
        self.algs, self.alg, self.advertises_iss = algs, algs[0], advertises_iss
        self.revoked: list[str] = []
        self._now = now
        self._keys: dict[str, Key] = dict(keys or {})
        self._grants: dict[str, _Grant] = {}
        self._access: dict[str, _Grant] = {}

    @property
    def issuer(self) -> str:
        return self.base

    def key(self, alg: str = "") -> Key:
        """Made on first use: an RSA key takes a moment."""
        alg = alg or self.alg
        if alg not in self._keys:
            self._keys[alg] = Key(alg, f"{alg.lower()}-{secrets.token_hex(4)}")
        return self._keys[alg]

    def rotate(self) -> None:
        """Forget every key: what is signed from now on names keys that nobody has seen."""
        self._keys.clear()

    def say(self, asked: Asked) -> Answer:
        routes: dict[tuple[str, str], Callable[[Asked], Answer]] = {
            ("GET", "/.well-known/openid-configuration"): self._discovery,
            ("GET", "/jwks"): self._jwks,
            ("GET", "/authorize"): self._ask_who,
            ("POST", "/authorize"): self._authorize,
            ("POST", "/token"): self._token,
            ("GET", "/userinfo"): self._userinfo,
            ("POST", "/revoke"): self._revoke,
        }
        found = routes.get((asked.method, asked.path))
        return found(asked) if found else Answer.json({"error": "not_found"}, 404)

    def control(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("PUT", "/control/clients"):
            told = asked.json()
            uris = frozenset(told["redirect_uris"])
            self.clients[told["id"]] = RegisteredClient(told["id"], told["secret"], told.get("auth", "basic"), uris)
            return Answer.json({"id": told["id"]}, 201)
        if (asked.method, asked.path) == ("POST", "/control/logout-token"):
            told = asked.json()
            return Answer.json({"logout_token": self.logout_token(told["client_id"], **told.get("claims", {}))})
        return super().control(asked)

    def logout_token(self, client_id: str, *, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """OpenID Connect Back-Channel Logout 2.4. A claim that is None is left out."""
        now = int(self._now())
        made: dict[str, Any] = {
            "iss": self.issuer,
            "aud": client_id,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(8),
            "events": {LOGOUT_EVENT: {}},
            **claims,
        }
        kept = {name: value for name, value in made.items() if value is not None}
        return self.key().token(kept, **{"typ": "logout+jwt", **(header or {})})

    def sid_of(self, sub: str) -> str:
        """The provider's own session of this person."""
        return f"sid-{sub}-{hashlib.sha256(self.base.encode()).hexdigest()[:6]}"

    def _discovery(self, asked: Asked) -> Answer:
        spoiled = broken(str(self.fault("discovery") or ""))
        if spoiled:
            return spoiled
        made: dict[str, Any] = {
            "issuer": self.fault("issuer") or self.issuer,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "userinfo_endpoint": f"{self.base}/userinfo",
            "jwks_uri": f"{self.base}/jwks",
            "revocation_endpoint": f"{self.base}/revoke",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": list(self.algs),
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt",
                "none",
            ],
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
        }
        if self.advertises_iss:
            made["authorization_response_iss_parameter_supported"] = True
        return Answer.json({**made, **(self.fault("metadata") or {})})

    def _jwks(self, asked: Asked) -> Answer:
        spoiled = broken(str(self.fault("jwks") or ""))
        return spoiled or Answer.json({"keys": [self.key(alg).jwk() for alg in self.algs]})

    def _ask_who(self, asked: Asked) -> Answer:
        self._check_request(asked.query)
        return choice(asked, "Local IdP", self.everybody)

    def _authorize(self, asked: Asked) -> Answer:
        sent = {**asked.query, **asked.form}
        self._check_request(sent)
        state = self.fault("state") or sent["state"]
        values = {"state": str(state)}
        if self.fault("iss") != "absent" and (self.advertises_iss or self.fault("iss")):
            values["iss"] = str(self.fault("iss") or self.issuer)
        person = self.everybody.get(sent.get("as", ""))
        if person is None:
            values |= {"error": "access_denied", "error_description": "They refused."}
        else:
            values["code"] = self._grant(sent, person)
        deliver = form_post if sent.get("response_mode") == "form_post" else Answer.redirect
        return deliver(sent["redirect_uri"], values)

    def _check_request(self, sent: Mapping[str, str]) -> None:
        """Nothing is redirected to an address that the client did not register (RFC 9700 4.1.3)."""
        client = self.clients.get(sent.get("client_id", ""))
        if client is None or sent.get("redirect_uri") not in client.redirect_uris:
            raise Refused(Answer.html("Refused", "<p>Unknown client, or an address it has not registered.</p>", 400))
        wanted = {
            "response_type": sent.get("response_type") == "code",
            "scope": "openid" in sent.get("scope", "").split(),
            "state": len(sent.get("state", "")) >= 43,
            "nonce": len(sent.get("nonce", "")) >= 43,
            "code_challenge_method": sent.get("code_challenge_method") == "S256",
            "code_challenge": len(sent.get("code_challenge", "")) == 43,
        }
        wrong = [name for name, good in wanted.items() if not good]
        if wrong:
            values = {"error": "invalid_request", "error_description": f"Look at {', '.join(wrong)}."}
            raise Refused(Answer.redirect(sent["redirect_uri"], {**values, "state": sent.get("state", "")}))

    def _grant(self, sent: Mapping[str, str], person: Somebody) -> str:
        code = secrets.token_urlsafe(24)
        self._grants[code] = _Grant(
            client_id=sent["client_id"],
            redirect_uri=sent["redirect_uri"],
            challenge=sent["code_challenge"],
            nonce=sent["nonce"],
            scope=frozenset(sent["scope"].split()) & FULL_SCOPE,
            person=person,
            sid=self.sid_of(person.sub),
            expires=self._now() + CODE_SECONDS,
        )
        return code

    def _token(self, asked: Asked) -> Answer:
        kind = str(self.fault("token") or "")
        if kind == "refuse":
            return Answer.json({"error": "invalid_grant"}, 400)
        if kind == "pending":
            return Answer.json({"error": "authorization_pending"})
        spoiled = broken(kind)
        if spoiled:
            return spoiled
        client = self._authenticated(asked)
        form = asked.form
        if form.get("grant_type") != "authorization_code":
            return Answer.json({"error": "unsupported_grant_type"}, 400)
        grant = self._grants.get(form.get("code", ""))
        if grant is not None and grant.used:
            # RFC 6749 4.1.2: what a code gave is taken back when it comes a second time.
            for token in grant.tokens:
                self._access.pop(token, None)
        good = (
            grant is not None
            and not grant.used
            and grant.client_id == client.id
            and grant.redirect_uri == form.get("redirect_uri")
            and self._now() < grant.expires
            and signing.s256(form.get("code_verifier", "")) == grant.challenge
        )
        if not good or grant is None:
            return Answer.json({"error": "invalid_grant"}, 400)
        grant.used = True
        access = secrets.token_urlsafe(24)
        grant.tokens.append(access)
        self._access[access] = grant
        made: dict[str, Any] = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": " ".join(sorted(grant.scope)),
            "id_token": self._id_token(grant, client, access),
        }
        if "offline_access" in grant.scope:
            made["refresh_token"] = secrets.token_urlsafe(24)
        return Answer.json(made)

    def _authenticated(self, asked: Asked) -> RegisteredClient:
        form, sent = asked.form, asked.headers.get("authorization", "")
        named = form.get("client_id", "")
        secret = form.get("client_secret", "")
        if sent.startswith("Basic "):
            user, _, password = base64.b64decode(sent[6:]).decode().partition(":")
            named, secret = unquote_plus(user), unquote_plus(password)
        if form.get("client_assertion"):
            named = signing.read(form["client_assertion"])[1].get("sub", "")
        client = self.clients.get(named)
        if client is None or not self._is(client, sent, secret, form):
            raise Refused(Answer.json({"error": "invalid_client"}, 401, **{"www-authenticate": "Basic"}))
        return client

    def _is(self, client: RegisteredClient, sent: str, secret: str, form: Mapping[str, str]) -> bool:
        """Only in the one way that the client is registered with."""
        if client.auth == "basic":
            return sent.startswith("Basic ") and "client_secret" not in form and secret == client.secret
        if client.auth == "post":
            return not sent and secret == client.secret
        if client.auth == "private_key_jwt":
            return self._is_asserted(client, form.get("client_assertion", ""), form.get("client_assertion_type", ""))
        return not sent and not secret and "client_assertion" not in form

    def _is_asserted(self, client: RegisteredClient, assertion: str, kind: str) -> bool:
        if kind != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" or not assertion:
            return False
        _, claims = signing.read(assertion)
        meant = claims.get("aud") in (self.issuer, f"{self.base}/token")
        return bool(
            signing.is_signed(assertion, client.public_key)
            and meant
            and claims.get("iss") == claims.get("sub") == client.id
            and claims.get("jti")
            and self._now() < claims.get("exp", 0) <= self._now() + 600
        )

    def _id_token(self, grant: _Grant, client: RegisteredClient, access: str) -> str:
        now = int(self._now())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": grant.person.sub,
            "aud": client.id,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "auth_time": now,
            "nonce": grant.nonce,
            "amr": list(grant.person.amr),
            "sid": grant.sid,
            "at_hash": signing.half_hash(access, self.alg),
        }
        claims |= self._profile(grant) if self.fault("thin") is None else {}
        claims |= self.fault("claims") or {}
        kept = {name: value for name, value in claims.items() if value is not None}
        return self._spoiled(str(self.fault("id_token") or ""), kept, client)

    def _profile(self, grant: _Grant) -> dict[str, Any]:
        person, found = grant.person, dict[str, Any]()
        if "profile" in grant.scope:
            found |= {"name": person.name, "locale": person.locale}
        if "email" in grant.scope and person.email:
            found |= {"email": person.email, "email_verified": person.verified}
        return found

    def _spoiled(self, how: str, claims: dict[str, Any], client: RegisteredClient) -> str:
        """The id token, wrong in one way."""
        key = self.key()
        if how == "none":
            head, body, _ = key.token(claims, alg="none", kid=None).split(".")
            return f"{head}.{body}."
        if how == "hs256":
            signed = key.token(claims, alg="HS256").rpartition(".")[0]
            return f"{signed}.{signing.b64(hmac.digest(client.secret.encode(), signed.encode(), 'sha256'))}"
        if how == "hs256-public-key":
            signed = key.token(claims, alg="HS256").rpartition(".")[0]
            public = str(key.jwk()).encode()
            return f"{signed}.{signing.b64(hmac.digest(public, signed.encode(), 'sha256'))}"
        if how == "unknown-kid":
            return Key(key.alg, "nobody-knows").token(claims)
        if how == "other-key":
            return Key(key.alg, key.kid).token(claims)
        if how == "altered":
            head, body, tag = key.token(claims).split(".")
            return f"{head}.{body[:-2]}{'AA' if body[-2:] != 'AA' else 'BB'}.{tag}"
        return key.token(claims, **(self.fault("header") or {}))

    def _userinfo(self, asked: Asked) -> Answer:
        spoiled = broken(str(self.fault("userinfo") or ""))
        if spoiled:
            return spoiled
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        grant = self._access.get(token) if kind == "Bearer" else None
        if grant is None:
            return Answer.json({"error": "invalid_token"}, 401)
        return Answer.json({"sub": grant.person.sub, **self._profile(grant), **(self.fault("userinfo_claims") or {})})

    def _revoke(self, asked: Asked) -> Answer:
        spoiled = broken(str(self.fault("revoke") or ""))
        if spoiled:
            return spoiled
        self._authenticated(asked)
        token = asked.form.get("token", "")
        self.revoked.append(token)
        self._access.pop(token, None)
        return Answer(200)
