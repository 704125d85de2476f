"""From the code of a finished sign-in to what it gives."""

from dataclasses import dataclass
from typing import Any

from tessera.auth.call import Call
from tessera.transact import Step

from ..accounts import Proof
from ..ports import Ports, new_secret, s256
from ..rules.problems import LoginFailed, ProviderUnknown
from ..rules.profiles import masked
from ..store.rows import AnswerRow, BornRow


@dataclass(frozen=True)
class Client:
    """What the client calls itself."""

    client_id: str = "web"
    device_name: str | None = None


@dataclass(frozen=True)
class Gained:
    """What somebody gets: `tokens` as `accounts` gives them, or what is still to be done."""

    status: str
    tokens: dict[str, Any] | None = None
    ticket: str | None = None
    provider: str | None = None
    email_hint: str | None = None
    identity_id: str | None = None
    code: str | None = None


def exchange(ports: Ports, code: str, verifier: str, client: Client, *, call: Call) -> Gained:
    """1 write, and an internal call or another write. Raises `ExchangeInvalid`, `LoginFailed`."""
    found = ports.answers.take(ports.digest("code", code), s256(verifier))
    if found.kind == "login":
        return opened(ports, found, client, call=call)
    if found.kind == "linked":
        return Gained("linked", provider=found.provider, identity_id=found.identity_id)
    return with_ticket(ports, found)


def opened(ports: Ports, found: AnswerRow, client: Client, *, call: Call) -> Gained:
    """Tokens for whoever has signed in, or what a second factor is asked with. Raises `LoginFailed`."""
    tokens = ports.accounts.tokens(
        proof_in(found), client_id=client.client_id, device_name=client.device_name, call=call
    )
    # With a second factor to come, this is the session that will be opened by it.
    session_id = str(tokens["session_id"])
    try:
        ports.answers.put(*bearing(ports, found, session_id))
    except LoginFailed:
        ports.accounts.end_session(str(found.uid), session_id)
        raise
    return Gained("mfa_required" if tokens.get("status") == "mfa_required" else "ok", tokens=tokens)


def with_ticket(ports: Ports, found: AnswerRow) -> Gained:
    """What was found is kept for ten minutes more, under a ticket. 1 write."""
    ticket = new_secret()
    ports.answers.keep_ticket(ports.digest("ticket", ticket), found)
    hint = masked(found.email) if found.email else None
    return Gained(f"{found.kind}_required", ticket=ticket, provider=found.provider, email_hint=hint)


def proof_in(found: AnswerRow) -> Proof:
    return Proof(str(found.uid), tuple(sorted(found.amr or ())), int(found.aal), int(found.auth_time))


def bearing(ports: Ports, found: AnswerRow, session_id: str) -> list[Step]:
    """A provider that ends its sessions here too must find ours, unless it has ended its own while we waited.

    The steps raise `LoginFailed` then.
    """
    try:
        wanted = ports.providers.get(found.provider).backchannel_logout
    except ProviderUnknown:
        return []
    if not wanted:
        return []
    row = BornRow(uid=found.uid, session_id=session_id)
    place = found.provider, str(found.key), found.sid_hash
    since = int(found.arrived or 0)
    return [*ports.identities.still_on(*place, since=since), *ports.identities.bearing(*place, row)]
