"""Setting providers up."""

from dataclasses import dataclass, replace
from typing import Any

from tessera import clock
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import FieldError, InvalidRequest, Problem

from ..assertions import is_key
from ..ports import Ports
from ..rules.problems import ProviderError, ProviderUnknown
from ..rules.providers import PRESETS, TENANT, Kind, Provider, faults


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    detail: str


def save(
    ports: Ports,
    provider_id: str,
    values: dict[str, Any],
    *,
    secret: str | None,
    expect: int | None,
    caller: Principal,
    call: Call,
) -> Provider:
    """Make a provider, or write it anew where `expect` names the version that was read. 1 read, 1 transaction.

    Without a secret the one that is there stays, as long as it goes where it went before. 1 internal call besides
    for who came without a second factor. Raises `InvalidRequest`, `StaleVersion`, `VersionRequired`, `StepUpRequired`,
    `FactorRequired`.
    """
    ports.accounts.require_factor(caller, from_everybody=ports.settings.staff_factor == "on", call=call)
    if provider_id in ports.providers.built_in:
        raise InvalidRequest("This provider is built in and cannot be changed.")
    provider = made(provider_id, values)
    before = _before(ports, provider_id) if expect is not None else None
    has_secret = before is not None and before.secret is not None
    if before is not None and has_secret and not secret and before.hands_secret_to != provider.hands_secret_to:
        why = "Give it again: with these changes the one that is kept would be sent elsewhere."
        raise InvalidRequest("The secret must come along.", errors=[FieldError("/client_secret", why)])
    _check(ports, provider, secret, has_secret=has_secret)
    sealed = ports.vault.seal_secret(provider_id, secret) if secret else before.secret if before else None
    told = audit(
        "oauth.provider-set",
        f"provider:{provider_id}",
        by=caller,
        call=call,
        kind=provider.kind.value,
        enabled=provider.enabled,
        secret_changed=bool(secret),
    )
    return ports.providers.save(replace(provider, secret=sealed), expect=expect, event=told)


def made(provider_id: str, values: dict[str, Any]) -> Provider:
    """The provider of these values, with what is known of its kind put in where they say nothing."""
    given = {name: value for name, value in values.items() if value is not None}
    kind = Kind(given.pop("kind"))
    preset = dict(PRESETS[kind])
    endpoints = {**_mapping(preset.pop("endpoints", {})), **_mapping(given.pop("endpoints", {}))}
    return Provider(id=provider_id, kind=kind, endpoints=endpoints, **{**preset, **given})


def test(ports: Ports, provider_id: str) -> list[Check]:
    """Ask the provider what it publishes, and say what of it can be used. 2 requests to it."""
    provider = ports.providers.read(provider_id)
    checks = [_checked("configuration", lambda: _configured(ports, provider))]
    if provider.is_openid:
        checks.append(_checked("discovery and keys", lambda: _published(ports, provider)))
    else:
        checks.append(_checked("addresses", lambda: _addresses(ports, provider)))
    return checks


def _checked(name: str, look: Any) -> Check:
    started = clock.monotonic()
    try:
        told = look()
    except Problem as problem:
        return Check(name, False, problem.detail or problem.title)
    return Check(name, True, f"{told} ({round((clock.monotonic() - started) * 1000)} ms)")


def _configured(ports: Ports, provider: Provider) -> str:
    wrong = faults(provider)
    if wrong:
        raise ProviderError(" ".join(f"{fault.pointer}: {fault.detail}" for fault in wrong))
    if provider.token_auth != "none" and not ports.vault.secret_of(provider):
        raise ProviderError("There is no client secret.")
    return f"People come back to {ports.settings.redirect_uri(provider.id)}."


def _published(ports: Ports, provider: Provider) -> str:
    metadata, keys = ports.discovery.look(provider)
    usable = [jwk for jwk in keys if jwk.get("use", "sig") == "sig"]
    if not usable:
        raise ProviderError("The provider publishes no key for signatures.")
    if metadata.challenge_methods is not None and "S256" not in metadata.challenge_methods:
        raise ProviderError("The provider does not support PKCE with S256.")
    return f"The metadata is good, and there are {len(usable)} keys."


def _addresses(ports: Ports, provider: Provider) -> str:
    for url in provider.endpoints.values():
        ports.wire.check_address(url.replace("{client_id}", "x"))
    return f"The {len(provider.endpoints)} addresses are good."


def _before(ports: Ports, provider_id: str) -> Provider | None:
    try:
        return ports.providers.read(provider_id)
    except ProviderUnknown:
        return None


def _check(ports: Ports, provider: Provider, secret: str | None, *, has_secret: bool) -> None:
    found = faults(provider)
    signs = provider.kind is Kind.APPLE or provider.token_auth == "private_key_jwt"
    if secret and signs and not is_key(secret):
        found.append(FieldError("/client_secret", "It must be a private key of the curve P-256, as PEM."))
    if provider.token_auth != "none" and not secret and not has_secret:
        found.append(FieldError("/client_secret", "This way of authentication needs one."))
    named = {f"/endpoints/{name}": url for name, url in provider.endpoints.items()} | {"/issuer": provider.issuer}
    for pointer, url in named.items():
        try:
            ports.wire.check_address(url.replace("{client_id}", "x").replace(TENANT, "common"))
        except ProviderError as error:
            found.append(FieldError(pointer, error.detail))
    if found:
        raise InvalidRequest("The provider cannot be set up like this.", errors=list(dict.fromkeys(found))[:20])


def _mapping(value: Any) -> dict[str, str]:
    return dict(value)
