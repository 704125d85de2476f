"""From the code that a provider sent to what it says of somebody, each kind of provider in its own way."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tessera import clock, log
from tessera.auth import jws
from tessera.auth.jws import Malformed, Parsed

from . import id_tokens
from .discovery import Discovery, Metadata
from .id_tokens import Expected
from .rules import profiles
from .rules.problems import IdTokenInvalid, ProviderError
from .rules.profiles import Profile
from .rules.providers import Kind, Provider
from .store.rows import TransactionRow
from .wire import Granted, Wire

GITHUB_VERSION = "2022-11-28"
MAX_NAME = 120


def sign_in(
    wire: Wire, discovery: Discovery, provider: Provider, begun: TransactionRow, code: str, posted: Mapping[str, str]
) -> tuple[Profile, Granted]:
    """Who signed in, and what the provider gave. 1 to 3 requests to it; `posted` is what came beside the code.

    Raises `ProviderError`, `ProviderTimeout`, `IdTokenInvalid`, `DomainNotAllowed`.
    """
    metadata = discovery.metadata(provider)
    granted = wire.redeem(
        provider,
        metadata.token,
        code=code,
        verifier=begun.verifier,
        redirect_uri=begun.redirect_uri,
        audience=provider.issuer,
    )
    if provider.is_openid:
        profile = _openid(wire, discovery, provider, metadata, begun, granted)
        return (_with_apples_name(profile, posted) if provider.kind is Kind.APPLE else profile), granted
    if provider.kind is Kind.GITHUB:
        return _github(wire, provider, metadata, granted), granted
    if provider.kind is Kind.FACEBOOK:
        return _facebook(wire, provider, metadata, granted), granted
    told = _described(wire, provider, metadata.userinfo, granted.access_token)
    return profiles.of_plain(provider, told), granted


def verified_id_token(
    discovery: Discovery, provider: Provider, token: str, *, nonce: str, access_token: str
) -> dict[str, Any]:
    """The claims of an id token, all of them checked. Raises `IdTokenInvalid`."""
    expected = Expected(provider.client_id, nonce, clock.now().timestamp(), provider.clock_skew_s, access_token)
    try:
        parsed = id_tokens.parse(token, provider.algs)
        _check_signature(discovery, provider, parsed)
        return id_tokens.claims_of(parsed, issuer_for(provider, parsed), expected)
    except Malformed as error:
        log.current().cause = f"id token: {error}"
        raise IdTokenInvalid(str(error)) from error


def verified_logout_token(discovery: Discovery, provider: Provider, token: str) -> dict[str, Any]:
    """The claims of a logout token. Raises `Malformed`."""
    expected = Expected(provider.client_id, "", clock.now().timestamp(), provider.clock_skew_s)
    parsed = id_tokens.parse(token, provider.algs, types=("logout+jwt", "jwt"))
    _check_signature(discovery, provider, parsed)
    return id_tokens.logout_claims_of(parsed, issuer_for(provider, parsed), expected)


def issuer_for(provider: Provider, parsed: Parsed) -> str | None:
    """The issuer this token must name; where each customer has one, that of the customer it names."""
    if not provider.has_tenants:
        return provider.issuer
    return provider.issuer_of(jws.read_object(parsed.payload).get("tid"))


def _check_signature(discovery: Discovery, provider: Provider, parsed: Parsed) -> None:
    key = id_tokens.key_for(parsed, discovery.keys(provider, id_tokens.kid_of(parsed)))
    if key is None:
        raise Malformed("unknown key")
    if not id_tokens.is_signed_by(parsed, key):
        raise Malformed("wrong signature")


def _openid(
    wire: Wire, discovery: Discovery, provider: Provider, metadata: Metadata, begun: TransactionRow, granted: Granted
) -> Profile:
    claims = verified_id_token(
        discovery, provider, granted.id_token, nonce=begun.nonce, access_token=granted.access_token
    )
    more: dict[str, Any] = {}
    if metadata.userinfo and "email" in provider.scopes and provider.claim("email") not in claims:
        more = _described(wire, provider, metadata.userinfo, granted.access_token)
        # OpenID Connect Core 5.3.2: another subject means that somebody else's token was put in between.
        if more.get("sub") != claims["sub"]:
            raise IdTokenInvalid("userinfo of another subject")
    return profiles.of_openid(provider, claims, more)


def _described(wire: Wire, provider: Provider, url: str, token: str) -> dict[str, Any]:
    """What a provider says of the owner of a token. 1 request."""
    status, found = wire.json(provider, url, "userinfo", headers={"authorization": f"Bearer {token}"})
    if status != 200 or not isinstance(found, dict):
        raise ProviderError("The provider does not say who it is.")
    return found


def _with_apples_name(profile: Profile, posted: Mapping[str, str]) -> Profile:
    """Apple tells the name once, beside the first code and signed by nobody: good for a greeting, for nothing else."""
    try:
        found = json.loads(posted.get("user", "{}")).get("name", {})
        parts = [found.get("firstName"), found.get("lastName")]
    except (ValueError, AttributeError, RecursionError):
        return profile
    name = " ".join(part for part in parts if isinstance(part, str) and part.isprintable()).strip()[:MAX_NAME]
    return replace(profile, name=profile.name or name or None)


def _github(wire: Wire, provider: Provider, metadata: Metadata, granted: Granted) -> Profile:
    """GitHub knows people by number: a name there can be given up and taken by somebody else."""
    headers = {
        "authorization": f"Bearer {granted.access_token}",
        "accept": "application/vnd.github+json",
        "x-github-api-version": GITHUB_VERSION,
    }
    status, user = wire.json(provider, metadata.userinfo, "user", headers=headers)
    number = user.get("id") if isinstance(user, dict) else None
    if status != 200 or isinstance(number, bool) or not isinstance(number, int):
        raise ProviderError("GitHub does not say who it is.")
    told: dict[str, Any] = {"sub": number, "name": user.get("name") or user.get("login")}
    status, addresses = wire.json(provider, metadata.emails, "emails", headers=headers)
    # Without the scope for it there are no addresses; an address in the profile itself is public and unverified.
    if status not in (200, 403, 404):
        raise ProviderError("GitHub does not tell the addresses.")
    entries = addresses if status == 200 and isinstance(addresses, list) else []
    primary = next((one for one in entries if isinstance(one, dict) and one.get("primary") is True), {})
    return profiles.of_plain(
        replace(provider, claims_map={}),
        {**told, "email": primary.get("email"), "email_verified": primary.get("verified")},
    )


def _facebook(wire: Wire, provider: Provider, metadata: Metadata, granted: Granted) -> Profile:
    """An address from Facebook counts as unverified: nothing in its answer says otherwise."""
    found = wire.graph(provider, metadata.userinfo, granted.access_token, {"fields": "id,name,email"}, "me")
    try:
        told = json.loads(found.body)
    except (ValueError, RecursionError):
        told = None
    if found.status != 200 or not isinstance(told, dict) or not isinstance(told.get("id"), str):
        raise ProviderError("Facebook does not say who it is.")
    kept = {"sub": told["id"], "name": told.get("name"), "email": told.get("email")}
    return profiles.of_plain(replace(provider, claims_map={}), kept)
