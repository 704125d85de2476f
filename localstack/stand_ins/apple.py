"""Apple's wire format: OpenID with answers as form posts, a client secret that is a signed token, and a name told once.

Faults are those of `idp`, besides `flag`: how `email_verified` is written.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from localstack.stand_ins import signing
from localstack.stand_ins.idp import IdentityProvider, RegisteredClient
from localstack.stand_ins.people import EVERYBODY, Somebody, form_post
from localstack.stand_ins.wire import Answer, Asked

SIX_MONTHS = 15_777_000


class Apple(IdentityProvider):
    """The secret is a JWT of ES256 by the team's key (`Creating a client secret` of Apple's documentation)."""

    def __init__(
        self,
        client_id: str,
        team_id: str,
        key_id: str,
        public_key: Any,
        redirect_uris: frozenset[str],
        *,
        now: Callable[[], float],
        everybody: Mapping[str, Somebody] = EVERYBODY,
    ) -> None:
        client = RegisteredClient(client_id, auth="apple", redirect_uris=redirect_uris, public_key=public_key)
        super().__init__(client, algs=("RS256",), now=now, everybody=everybody, advertises_iss=False)
        self.team_id, self.key_id, self._client_id = team_id, key_id, client_id
        self._told: set[str] = set()

    def control(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("PUT", "/control/key"):
            self.clients[self._client_id].public_key = load_pem_public_key(asked.body)
            return Answer.json({"key": "set"})
        return super().control(asked)

    def _authorize(self, asked: Asked) -> Answer:
        sent = {**asked.query, **asked.form}
        self._check_request(sent)
        if "email" in sent["scope"] and sent.get("response_mode") != "form_post":
            return Answer.html(
                "invalid_request", "<p>response_mode must be form_post when scope is requested.</p>", 400
            )
        person = self.everybody.get(sent.get("as", ""))
        if person is None:
            return form_post(sent["redirect_uri"], {"error": "user_cancelled_authorize", "state": sent["state"]})
        values = {"state": sent["state"], "code": self._grant(sent, person)}
        if "name" in sent["scope"].split() and person.sub not in self._told:
            self._told.add(person.sub)
            first, _, last = person.name.partition(" ")
            values["user"] = json.dumps({"name": {"firstName": first, "lastName": last}, "email": person.email})
        return form_post(sent["redirect_uri"], values)

    def _is(self, client: RegisteredClient, sent: str, secret: str, form: Mapping[str, str]) -> bool:
        try:
            header, claims = signing.read(secret)
        except ValueError:
            return False
        now = self._now()
        return bool(
            not sent
            and header.get("alg") == "ES256"
            and header.get("kid") == self.key_id
            and claims.get("iss") == self.team_id
            and claims.get("sub") == client.id
            and claims.get("aud") == "https://appleid.apple.com"
            and now - 60 <= claims.get("iat", 0) <= now + 60
            and now < claims.get("exp", 0) <= now + SIX_MONTHS
            and signing.is_signed(secret, client.public_key)
        )

    def _profile(self, grant: Any) -> dict[str, Any]:
        """Apple writes truth as text, and never a name."""
        if "email" not in grant.scope or not grant.person.email:
            return {}
        flag = self.faults["flag"] if "flag" in self.faults else str(grant.person.verified).lower()
        return {"email": grant.person.email, "email_verified": flag, "is_private_email": "true"}

    def _discovery(self, asked: Asked) -> Answer:
        found = super()._discovery(asked)
        if found.status != 200:
            return found
        told = json.loads(found.body)
        told.pop("userinfo_endpoint")
        told |= {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
        return Answer.json(told)
