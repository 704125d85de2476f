"""A provider has ended one of its sessions, and tells us (OpenID Connect Back-Channel Logout 1.0)."""

from typing import Any

from tessera import log
from tessera.auth.call import Call
from tessera.auth.jws import Malformed

from ..adapters import verified_logout_token
from ..ports import Ports
from ..rules.problems import LogoutTokenInvalid
from ..rules.profiles import key_of
from ..rules.providers import Provider
from .resolve import sid_hash

# Nothing may hold a token valid for longer, so that what was seen need not be kept for longer.
REMEMBERED_SECONDS = 86_400
MAX_CHARACTERS = 16_384


def logout(ports: Ports, provider_id: str, token: str, *, call: Call) -> None:
    """End what began with that session, or with that identity where no session is named, and what is about to.

    1 read, 1 query, 2 writes, and 2 internal calls for each session. A token that is no good is charged to its address.
    Raises `ProviderUnknown`, `LogoutTokenInvalid`, `RateLimited`.
    """
    provider = ports.providers.get(provider_id)
    if not provider.is_openid or not provider.backchannel_logout:
        raise LogoutTokenInvalid("not configured")
    claims = _claims(ports, provider, token, call)
    jti = ports.digest("jti", f"{provider.issuer}:{claims['jti']}")
    if ports.identities.was_seen(provider.id, jti):
        raise LogoutTokenInvalid("seen before")
    sid, subject = claims.get("sid"), claims.get("sub")
    key = key_of(provider.issuer, subject) if subject else None
    born = ports.identities.log_out(provider.id, key, sid_hash(provider, sid) if sid else None)
    for row in born:
        # Where a second factor was asked for, it may have been shown to either.
        ports.accounts.end_session(row.uid, row.session_id)
        ports.sessions.end_session(row.uid, row.session_id)
    ports.identities.forget_sessions(born)
    # In the end, so that a provider that was told of an outage can send the same token again.
    ports.identities.see(provider.id, jti, seconds=REMEMBERED_SECONDS)


def _claims(ports: Ports, provider: Provider, token: str, call: Call) -> dict[str, Any]:
    try:
        return verified_logout_token(ports.discovery, provider, token)
    except Malformed as error:
        log.current().cause = f"logout token: {error}"
        ports.limits.charge("auth:ip", f"ip:{call.client_ip}")
        raise LogoutTokenInvalid(str(error)) from error
