"""What is left of a person who is gone, and what providers have to be told."""

from tessera.sealed import SealBroken

from ..ports import Ports
from ..rules.problems import ProviderUnknown


def erase(ports: Ports, user_id: str) -> tuple[bool, int]:
    """Delete some of what a user has: whether that was all, and how many identities went. To be asked until done."""
    return ports.identities.erase(user_id)


def forget(ports: Ports, user_id: str) -> None:
    """Delete everything of a user."""
    while not erase(ports, user_id)[0]:
        pass


def give_back(ports: Ports, identity_id: str) -> None:
    """Give the tokens of an identity that is gone back to its provider (RFC 7009). Doing it twice is harmless.

    Raises `ProviderError` or `ProviderTimeout` when the provider does not take them; the message then comes again.
    """
    waiting = ports.identities.waiting_tokens(identity_id)
    if waiting is None:
        return
    try:
        provider = ports.providers.read(waiting.provider)
        tokens = ports.vault.open_tokens(waiting.uid, waiting.sealed)
    except (ProviderUnknown, SealBroken):
        # Nobody is left to give them back to, or nobody can read them any more.
        ports.identities.given_back(identity_id)
        return
    endpoint = ports.discovery.metadata(provider).revocation
    # A refresh token takes the access tokens made of it along (RFC 7009 2.1).
    token = tokens.get("refresh_token") or tokens.get("access_token")
    if endpoint and token:
        ports.wire.revoke(provider, endpoint, str(token), audience=provider.issuer)
    ports.identities.given_back(identity_id)
