"""Sending somebody to a provider."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from tessera import clock
from tessera.auth.call import Call
from tessera.auth.csrf import allowed_origins

from .. import otx
from ..discovery import Metadata
from ..ports import Ports, new_secret, s256
from ..rules.places import check_return_to
from ..rules.problems import ProviderError
from ..rules.providers import Provider
from ..store.rows import TransactionRow


@dataclass(frozen=True)
class Wish:
    """What a client asks for. `user_id` is who is to be linked, when that is what is meant."""

    return_to: str
    mode: str
    delivery: str
    challenge: str
    user_id: str | None = None


@dataclass(frozen=True)
class Started:
    authorization_url: str
    expires_at: datetime
    cookie: str


def start(ports: Ports, provider_id: str, wish: Wish, *, call: Call) -> Started:
    """Where to go, and the cookie to come back with. 1 write.

    Raises `ProviderUnknown`, `ReturnToNotAllowed`, `ProviderError`, `ProviderTimeout`.
    """
    provider = ports.providers.get(provider_id)
    allowed = [*allowed_origins(ports.settings), *ports.settings.return_to.replace(",", " ").split()]
    return_to = check_return_to(wish.return_to, allowed, native=wish.delivery == "token")
    metadata = ports.discovery.metadata(provider)
    _require_pkce(provider, metadata)
    browser = otx.kept_or_new(call, ports.mac, posted=provider.response_mode == "form_post")
    state, row = (
        new_secret(),
        TransactionRow(
            provider=provider.id,
            nonce=new_secret(),
            verifier=new_secret(),
            otx_hash=browser.hash,
            redirect_uri=ports.settings.redirect_uri(provider.id),
            return_to=return_to,
            mode=wish.mode,
            delivery=wish.delivery,
            challenge=wish.challenge,
            uid=wish.user_id,
        ),
    )
    good_until = ports.transactions.keep(ports.digest("state", state), row)
    return Started(
        authorization_url=_address(provider, metadata.authorization, state, row),
        expires_at=clock.from_millis(good_until * 1000),
        cookie=browser.header(ports.mac),
    )


def _require_pkce(provider: Provider, metadata: Metadata) -> None:
    """PKCE goes along in any case; where it is required, a provider that says it does not know it is refused."""
    methods = metadata.challenge_methods
    if provider.pkce == "required" and methods is not None and "S256" not in methods:
        raise ProviderError("The provider does not support PKCE with S256.")


def _address(provider: Provider, endpoint: str, state: str, row: TransactionRow) -> str:
    values = {
        **provider.extra_params,
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": row.redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": state,
        "code_challenge": s256(row.verifier),
        "code_challenge_method": "S256",
    }
    if provider.is_openid:
        values["nonce"] = row.nonce
    if provider.response_mode != "query":
        values["response_mode"] = provider.response_mode
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(values)}"
