"""Requests to providers: only through the safe client, short, small, and never on to another place."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

from tessera import safehttp
from tessera.safehttp import Fetched, FetchFailed, SafeHTTP
from tessera.settings import Bindings

from .assertions import apple_secret, client_assertion
from .rules.problems import ProviderError, ProviderTimeout
from .rules.providers import Kind, Provider
from .vault import Vault

CONNECT_SECONDS, TOTAL_SECONDS, MAX_BYTES = 3.0, 5.0, 256_000
MAX_TOKEN = 16_384
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Granted:
    """What a provider gave for a code."""

    access_token: str
    id_token: str = ""
    refresh_token: str = ""


class Wire:
    def __init__(self, web: SafeHTTP, vault: Vault, *, total_seconds: float = TOTAL_SECONDS) -> None:
        self._web, self._vault, self._total_seconds = web, vault, total_seconds

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(SafeHTTP), bindings.get(Vault))

    def check_address(self, url: str) -> None:
        """Whether a provider may be there: https, or a stand-in that a laptop has opened. Raises `ProviderError`."""
        try:
            target = self._web.gate.target(url, named=frozenset([urlsplit(url).hostname or ""]))
        except (FetchFailed, ValueError):
            raise ProviderError("The provider names an address that cannot be asked.") from None
        if target.scheme != "https" and not target.is_opened:
            raise ProviderError("The provider names an address without TLS.")

    def json(
        self, provider: Provider, url: str, step: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, Any]:
        """The status and what the JSON of the answer says. 1 request. Raises `ProviderError`, `ProviderTimeout`."""
        method = "POST" if body else "GET"
        found = self.ask(provider, url, step, method=method, headers=headers, body=body or None)
        try:
            return found.status, json.loads(found.body)
        except (ValueError, RecursionError):
            raise ProviderError("The provider answers with something that is not JSON.") from None

    def ask(
        self,
        provider: Provider,
        url: str,
        step: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Fetched:
        self.check_address(url)
        sent = {"accept": "application/json", **(headers or {})}
        try:
            return self._web.fetch(
                url,
                purpose=f"oauth:{provider.id}:{step}",
                method=method,
                headers=sent,
                body=body,
                max_bytes=MAX_BYTES,
                connect_seconds=CONNECT_SECONDS,
                total_seconds=self._total_seconds,
                # A code or a token must not follow a redirect; reading what is public may, on the same host.
                redirects=0 if body or "authorization" in sent else 2,
                same_origin=True,
                allow_hosts=frozenset([urlsplit(url).hostname or ""]),
            )
        except safehttp.TookTooLong:
            raise ProviderTimeout("The provider did not answer in time.") from None
        except FetchFailed:
            raise ProviderError("The provider could not be asked.") from None

    def redeem(
        self, provider: Provider, endpoint: str, *, code: str, verifier: str, redirect_uri: str, audience: str
    ) -> Granted:
        """What the provider gives for a code. 1 request. Raises `ProviderError`, `ProviderTimeout`."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers, more = self._authenticated(provider, audience)
        status, found = self.json(
            provider, endpoint, "token", headers=headers, body=urlencode({**form, **more}).encode()
        )
        # GitHub tells an error under a good status.
        if status != 200 or not isinstance(found, dict) or "error" in found:
            raise ProviderError("The provider refused the code.")
        kind = found.get("token_type", "bearer")
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise ProviderError("The provider gives a token of a kind that is not used here.")
        return Granted(
            access_token=_text(found, "access_token", required=True),
            id_token=_text(found, "id_token", required=provider.is_openid),
            refresh_token=_text(found, "refresh_token", required=False),
        )

    def revoke(self, provider: Provider, endpoint: str, token: str, *, audience: str) -> None:
        """Give a token back (RFC 7009, or as the provider has it). 1 request.

        A token that is gone already is no error. Raises `ProviderError`, `ProviderTimeout`.
        """
        if provider.kind is Kind.GITHUB:
            url = endpoint.replace("{client_id}", quote(provider.client_id, safe=""))
            # Unlike OAuth's own, the Basic of GitHub's API is not encoded as a form.
            pair = f"{provider.client_id}:{self._vault.secret_of(provider)}"
            headers = {"authorization": f"Basic {_base64(pair)}", "content-type": "application/json"}
            body = json.dumps({"access_token": token}).encode()
            found = self.ask(provider, url, "revoke", method="DELETE", headers=headers, body=body)
        elif provider.kind is Kind.FACEBOOK:
            found = self.graph(provider, endpoint, token, {}, "revoke", method="DELETE")
        else:
            headers, more = self._authenticated(provider, audience)
            body = urlencode({"token": token, **more}).encode()
            found = self.ask(provider, endpoint, "revoke", method="POST", headers=headers, body=body)
        if found.status >= 500 or found.status in (401, 403, 429) or 300 <= found.status < 400:
            raise ProviderError("The provider did not take the token back.")

    def graph(
        self, provider: Provider, url: str, token: str, query: Mapping[str, str], step: str, *, method: str = "GET"
    ) -> Fetched:
        """A call of Facebook's Graph API, with the proof that it comes from who holds the app's secret."""
        import hashlib
        import hmac

        proof = hmac.new(self._vault.secret_of(provider).encode(), token.encode(), hashlib.sha256).hexdigest()
        asked = f"{url}?{urlencode({**query, 'appsecret_proof': proof})}"
        return self.ask(provider, asked, step, method=method, headers={"authorization": f"Bearer {token}"})

    def _authenticated(self, provider: Provider, audience: str) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and fields by which the provider knows us."""
        form = {"content-type": "application/x-www-form-urlencoded"}
        if provider.kind is Kind.APPLE:
            made = apple_secret(provider, self._vault.secret_of(provider))
            return form, {"client_id": provider.client_id, "client_secret": made}
        if provider.token_auth == "basic":
            return form | self._basic(provider), {}
        if provider.token_auth == "post":
            return form, {"client_id": provider.client_id, "client_secret": self._vault.secret_of(provider)}
        if provider.token_auth == "private_key_jwt":
            made = client_assertion(provider, self._vault.secret_of(provider), audience)
            return form, {"client_assertion_type": ASSERTION_TYPE, "client_assertion": made}
        return form, {"client_id": provider.client_id}

    def _basic(self, provider: Provider) -> dict[str, str]:
        # RFC 6749 2.3.1: both are encoded as in a form before they are joined.
        pair = f"{quote(provider.client_id, safe='')}:{quote(self._vault.secret_of(provider), safe='')}"
        return {"authorization": f"Basic {_base64(pair)}"}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _text(found: Mapping[str, Any], name: str, *, required: bool) -> str:
    value = found.get(name)
    if isinstance(value, str) and 0 < len(value) <= MAX_TOKEN and value.isascii() and value.isprintable():
        return value
    if required or value is not None:
        raise ProviderError("The provider's answer to the code is not what it should be.")
    return ""
