"""What providers publish of themselves: where they are to be asked, and the keys they sign with.

It is read once an hour, and kept for a day longer: a provider that is down for a while keeps nobody out
who has what it gave before.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from tessera import clock, log
from tessera.settings import Bindings

from .rules.problems import ProviderError, ProviderTimeout
from .rules.providers import Provider, is_address
from .store import ProviderStore
from .store.rows import DiscoveryRow
from .wire import Wire

FRESH_MS, STALE_MS = 3_600_000, 86_400_000
# An unknown key is looked for, and a provider that is down asked again, once in so long.
AGAIN_MS = 60_000
MAX_KEYS = 50
_KEY_MEMBERS = frozenset("kty crv n e x y kid alg use key_ops".split())

Jwk = Mapping[str, Any]


@dataclass(frozen=True)
class Metadata:
    """The part of a provider's metadata that is used here (OpenID Connect Discovery 3, RFC 8414)."""

    authorization: str
    token: str
    jwks: str = ""
    userinfo: str = ""
    emails: str = ""
    revocation: str = ""
    says_iss: bool = False
    challenge_methods: tuple[str, ...] | None = None
    supports_logout: bool = False


@dataclass(frozen=True)
class _Known:
    """`of` is the version of the provider's configuration that this belongs to."""

    of: int
    metadata: Metadata
    keys: tuple[Jwk, ...]
    fetched: int
    keys_at: int


class Discovery:
    """What this process knows of each provider."""

    def __init__(self, providers: ProviderStore, wire: Wire) -> None:
        self._providers, self._wire = providers, wire
        self._lock = threading.RLock()
        self._known: dict[str, _Known] = {}
        self._failed: dict[str, int] = {}

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(ProviderStore), bindings.get(Wire))

    def metadata(self, provider: Provider) -> Metadata:
        """No request while it is known; 1 read in an hour, and 2 requests to the provider when nobody has read it.

        Raises `ProviderError`, `ProviderTimeout`.
        """
        if not provider.is_openid:
            return plain_metadata(provider)
        with self._lock:
            return self._current(provider).metadata

    def keys(self, provider: Provider, kid: str | None) -> tuple[Jwk, ...]:
        """The keys, read again when one of this id is not among them, once in a minute.

        Raises `ProviderError`, `ProviderTimeout`.
        """
        with self._lock:
            known = self._current(provider)
            if kid is None or any(jwk.get("kid") == kid for jwk in known.keys):
                return known.keys
            return self._with_new_keys(provider, known, kid).keys

    def look(self, provider: Provider) -> tuple[Metadata, tuple[Jwk, ...]]:
        """What the provider says at this moment; nothing is kept. 2 requests to it."""
        if not provider.is_openid:
            return plain_metadata(provider), ()
        metadata = self._fetch_metadata(provider)
        return metadata, self._fetch_keys(provider, metadata)

    def _current(self, provider: Provider) -> _Known:
        known = self._held(provider)
        if known is not None and _age(known.fetched) < FRESH_MS:
            return known
        if known is not None and _age(self._failed.get(provider.id, 0)) < AGAIN_MS and _age(known.fetched) < STALE_MS:
            return known
        try:
            return self._read_anew(provider)
        except (ProviderError, ProviderTimeout) as problem:
            if known is None or _age(known.fetched) >= STALE_MS:
                raise
            self._failed[provider.id] = clock.millis()
            log.line("discovery", kind=provider.id, outcome="stale", cause=problem.slug)
            return known

    def _held(self, provider: Provider) -> _Known | None:
        """What this process has, or else what another one has kept."""
        known = self._known.get(provider.id)
        if known is not None and known.of == provider.version and _age(known.fetched) < FRESH_MS:
            return known
        row = self._providers.discovery(provider.id)
        if row is None or int(row.of) != provider.version:
            return known if known is not None and known.of == provider.version else None
        found = _known(row)
        self._known[provider.id] = found
        return found

    def _read_anew(self, provider: Provider) -> _Known:
        metadata = self._fetch_metadata(provider)
        keys = self._fetch_keys(provider, metadata)
        now = clock.millis()
        return self._keep(provider, _Known(provider.version, metadata, keys, fetched=now, keys_at=now))

    def _with_new_keys(self, provider: Provider, known: _Known, kid: str) -> _Known:
        if _age(known.keys_at) < AGAIN_MS:
            return known
        row = self._providers.discovery(provider.id)
        if row is not None and int(row.of) == provider.version:
            kept = _known(row)
            if any(jwk.get("kid") == kid for jwk in kept.keys) or _age(kept.keys_at) < AGAIN_MS:
                self._known[provider.id] = kept
                return kept
        keys = self._fetch_keys(provider, known.metadata)
        return self._keep(provider, replace(known, keys=keys, keys_at=clock.millis()))

    def _keep(self, provider: Provider, known: _Known) -> _Known:
        self._known[provider.id] = known
        self._failed.pop(provider.id, None)
        row = DiscoveryRow(
            of=known.of,
            metadata={name: value for name, value in vars(known.metadata).items() if value is not None},
            keys=[dict(jwk) for jwk in known.keys],
            fetched=known.fetched,
            keys_at=known.keys_at,
            ttl=(known.fetched + STALE_MS) // 1000,
        )
        self._providers.keep_discovery(provider.id, row)
        return known

    def _fetch_metadata(self, provider: Provider) -> Metadata:
        status, found = self._wire.json(provider, provider.discovery_address, "discovery")
        if status != 200 or not isinstance(found, dict):
            raise ProviderError("The provider publishes no metadata.")
        if found.get("issuer") != provider.issuer:
            raise ProviderError("The provider's metadata names another issuer.")
        made = _metadata(provider, found)
        for url in (made.authorization, made.token, made.jwks, made.userinfo, made.revocation):
            if url:
                self._wire.check_address(url)
        return made

    def _fetch_keys(self, provider: Provider, metadata: Metadata) -> tuple[Jwk, ...]:
        status, found = self._wire.json(provider, metadata.jwks, "jwks")
        keys = found.get("keys") if isinstance(found, dict) else None
        if status != 200 or not isinstance(keys, list):
            raise ProviderError("The provider publishes no keys.")
        good = [jwk for jwk in keys if isinstance(jwk, dict)][:MAX_KEYS]
        return tuple({name: jwk[name] for name in _KEY_MEMBERS & jwk.keys()} for jwk in good)


def plain_metadata(provider: Provider) -> Metadata:
    """What is known of a provider without a discovery document: its configuration says it."""
    found = provider.endpoints
    return Metadata(
        authorization=found["authorization"],
        token=found["token"],
        userinfo=found.get("userinfo", ""),
        emails=found.get("emails", ""),
        revocation=found.get("revocation", ""),
    )


def _metadata(provider: Provider, found: Mapping[str, Any]) -> Metadata:
    def address(name: str, key: str, *, required: bool = False) -> str:
        value = provider.endpoints.get(name) or found.get(key)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or not (is_address(value) or (name == "authorization" and _has_query(value))):
            raise ProviderError(f"The provider's metadata has no usable {key}.")
        return value

    methods = found.get("code_challenge_methods_supported")
    return Metadata(
        authorization=address("authorization", "authorization_endpoint", required=True),
        token=address("token", "token_endpoint", required=True),
        jwks=address("jwks", "jwks_uri", required=True),
        userinfo=address("userinfo", "userinfo_endpoint"),
        revocation=address("revocation", "revocation_endpoint"),
        says_iss=found.get("authorization_response_iss_parameter_supported") is True,
        challenge_methods=tuple(one for one in methods if isinstance(one, str)) if isinstance(methods, list) else None,
        supports_logout=found.get("backchannel_logout_supported") is True,
    )


def _has_query(url: str) -> bool:
    """RFC 6749 3.1 lets the authorization endpoint have a query of its own."""
    place, _, query = url.partition("?")
    return bool(query) and is_address(place)


def _known(row: DiscoveryRow) -> _Known:
    told: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in row.metadata.items()
    }
    return _Known(int(row.of), Metadata(**told), tuple(row.keys), int(row.fetched), int(row.keys_at))


def _age(since: int) -> float:
    """Milliseconds; endless for what never was, and when the clock has gone back."""
    age = clock.millis() - since
    return age if since and age >= 0 else float("inf")
