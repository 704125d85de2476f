"""What verifiers and clients read before anybody signs in."""

import hashlib
from typing import Annotated

from fastapi import Header, Response

from tessera import auth
from tessera.auth.jws import ALGORITHM
from tessera.auth.principal import Principal
from tessera.entry import Router
from tessera.etags import etag, unchanged

from ..actions.factors import METHODS
from ..factor_schemas import RelatedOriginsOut
from ..passwords import MAX_CHARACTERS, MIN_SCORE
from ..schemas import ConfigOut, DiscoveryOut, KeyOut, KeysOut
from .shared import PREFIX, TAGS, Bound

router = Router(prefix=PREFIX, tags=TAGS)
# Browsers ask for this one at the root of the domain that passkeys are for.
root = Router(tags=TAGS)
Anyone = Annotated[Principal, auth.public(limited=False)]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]
CACHED = "public, max-age=300"


@router.get("/.well-known/jwks.json", response_model=KeysOut, responses={304: {"description": "Not modified"}})
async def get_keys(caller: Anyone, ports: Bound, response: Response, if_none_match: IfNoneMatch = None) -> object:
    """The public keys that access tokens are signed with (RFC 7517)."""
    keys, version = ports.signing.published()
    headers = {"Cache-Control": CACHED, "ETag": etag(version)}
    if unchanged(if_none_match, version):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return KeysOut(keys=[KeyOut(**key) for key in keys])


@router.get(
    "/.well-known/openid-configuration", response_model=DiscoveryOut, responses={304: {"description": "Not modified"}}
)
async def get_discovery(caller: Anyone, ports: Bound, response: Response, if_none_match: IfNoneMatch = None) -> object:
    """Where keys and tokens are (OpenID Connect Discovery 3)."""
    base = f"{ports.settings.base}{PREFIX}"
    found = DiscoveryOut(
        issuer=ports.settings.issuer,
        jwks_uri=f"{base}/.well-known/jwks.json",
        token_endpoint=f"{base}/token/refresh",
        revocation_endpoint=f"{base}/token/revoke",
        id_token_signing_alg_values_supported=[ALGORITHM],
        token_endpoint_auth_methods_supported=["none"],
        grant_types_supported=["refresh_token"],
        response_types_supported=["none"],
        subject_types_supported=["public"],
    )
    tag = f'"{hashlib.sha256(found.model_dump_json().encode()).hexdigest()[:16]}"'
    headers = {"Cache-Control": CACHED, "ETag": tag}
    if tag in (if_none_match or ""):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return found


@root.get("/.well-known/webauthn")
async def get_related_origins(caller: Anyone, ports: Bound, response: Response) -> RelatedOriginsOut:
    """The pages of other domains that may use the passkeys of this one (WebAuthn Level 3, 5.11)."""
    response.headers["Cache-Control"] = CACHED
    return RelatedOriginsOut(origins=ports.relying_party.origins)


@router.get("/config")
async def get_config(caller: Anyone, ports: Bound, response: Response) -> ConfigOut:
    """How one may sign up and in here."""
    response.headers["Cache-Control"] = CACHED
    return ConfigOut(
        sign_up=ports.settings.sign_up,
        methods=["password", "passkey"],
        second_factors=list(METHODS),
        passkey_domain=ports.relying_party.id,
        guests=ports.settings.guests == "on",
        password_min_length=ports.settings.password_min,
        password_max_length=MAX_CHARACTERS,
        password_min_score=MIN_SCORE,
        password_breach_list=ports.passwords.asks_breach_list,
        deletion_grace_days=ports.settings.deletion_grace_days,
        clients=sorted(ports.settings.client_ids),
    )
