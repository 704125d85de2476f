"""Somebody comes back from a provider."""

from collections.abc import Mapping

from tessera import log
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import ANONYMOUS
from tessera.problems import Problem

from .. import adapters, otx
from ..discovery import Metadata
from ..events import LoginRefused
from ..ports import Ports
from ..rules.places import ended
from ..rules.problems import ProviderDenied, ProviderError, StateInvalid
from ..rules.providers import Provider
from ..store.rows import TransactionRow
from . import resolve

# Apple says it in its own words.
REFUSALS = frozenset(["access_denied", "user_cancelled_authorize", "user_denied", "login_required", "consent_required"])
MAX_CODE = 4_096


def finish(ports: Ports, provider_id: str, sent: Mapping[str, str], *, call: Call) -> str:
    """Where the browser goes now: what came of the sign-in is in the fragment.

    1 write, 1 read, 1 transaction, an internal call, and 1 to 3 requests to the provider. Whatever comes, the state is
    used up. Raises `StateInvalid` when nobody knows where the sign-in was to end.
    """
    browser, state = otx.read(call, ports.mac), sent.get("state", "")
    if browser is None or not state:
        raise StateInvalid()
    begun = ports.transactions.take(ports.digest("state", state), provider_id, browser.hash)
    try:
        values = _complete(ports, provider_id, begun, sent, call)
        outcome = "done"
    # What is told as a problem elsewhere is told here to the page that began: it is where the person looks.
    except Problem as problem:
        outcome, values = problem.slug, {"error": problem.slug}
        log.current().cause = log.current().cause or problem.slug
        ports.identities.tell(
            LoginRefused(provider=provider_id, reason=problem.slug),
            audit(
                "oauth.login-refused",
                f"provider:{provider_id}",
                by=ANONYMOUS,
                call=call,
                outcome="denied",
                problem=problem.slug,
                mode=begun.mode,
            ),
        )
    log.line("sign-in", kind=f"oauth:{provider_id}", outcome=outcome)
    return ended(begun.return_to, **values)


def _complete(
    ports: Ports, provider_id: str, begun: TransactionRow, sent: Mapping[str, str], call: Call
) -> dict[str, str]:
    provider = ports.providers.get(provider_id)
    _check_issuer(provider, ports.discovery.metadata(provider), sent)
    if "error" in sent:
        if sent["error"] in REFUSALS:
            raise ProviderDenied()
        raise ProviderError("The provider answers with an error.")
    code = sent.get("code", "")
    if not 0 < len(code) <= MAX_CODE or not code.isascii() or not code.isprintable():
        raise ProviderError("The provider sends no code.")
    profile, granted = adapters.sign_in(ports.wire, ports.discovery, provider, begun, code, sent)
    return resolve.resolve(ports, provider, begun, profile, granted, call=call)


def _check_issuer(provider: Provider, metadata: Metadata, sent: Mapping[str, str]) -> None:
    """RFC 9207: an answer that names another provider was mixed up on its way, and one that should name one must."""
    named = sent.get("iss")
    if named is None and not metadata.says_iss:
        return
    if provider.has_tenants:
        # The tenant is not known yet; the id token will name it.
        head, _, tail = provider.issuer.partition("{tenantid}")
        if named is not None and named.startswith(head) and named.endswith(tail):
            return
    elif named in provider.answers_as:
        return
    raise ProviderError("The answer is not from the provider that was asked.")
