"""An address for somebody whose provider has none that is verified: shown by a code, before there is an account."""

import hmac
import secrets
from datetime import datetime

from tessera import clock, ids
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import Busy, FieldError, InvalidRequest
from tessera.transact import telling

from ..ports import Ports, new_secret
from ..rules.problems import CodeInvalid, EmailTaken, IdentityTaken, SignUpClosed
from ..rules.profiles import masked
from ..store.identities import Somebody
from ..store.rows import MAIL_LIFE, AnswerRow
from .exchange import Client, Gained, bearing, opened, proof_in, with_ticket

DIGITS = 6
TEMPLATE = "confirm-new-email"


def ask(ports: Ports, ticket: str, email: str) -> datetime:
    """Send a code to this address, whether or not it has an account. 2 writes, 1 internal call.

    Until when the code is good comes back. Raises `TicketInvalid`, `AttemptsExhausted`, `InvalidRequest`.
    """
    address = spelled(email)
    mac = ports.digest("ticket", ticket)
    # First of all, because only who holds a ticket counts against the address. What was not mailed nobody can guess.
    nobodys = _code_mac(ports, mac, new_secret())
    ports.answers.address(mac, address, nobodys)
    subject = f"mail:{ports.mac.hash_lookup('account', address.casefold())}"
    # Beyond its limit an address gets no more mail, and nobody is told.
    if ports.limits.decide("auth:mail:address", subject).allowed:
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        ports.accounts.mail(address, TEMPLATE, locale=None, secret={"code": code})
        ports.answers.mailed(mac, _code_mac(ports, mac, code), instead_of=nobodys)
    return clock.now() + MAIL_LIFE


def confirm(ports: Ports, ticket: str, code: str, client: Client, *, call: Call) -> Gained:
    """The account of a newcomer who has shown their address, or the same question as for a verified one.

    1 read, 2 writes, 1 transaction, 2 internal calls; another transaction where the provider ends sessions. Raises
    `TicketInvalid`, `CodeInvalid`, `AttemptsExhausted`, `SignUpClosed`, `EmailTaken`, `IdentityTaken`, `LoginFailed`.
    """
    mac = ports.digest("ticket", ticket)
    found = ports.answers.attempt(mac)
    if not hmac.compare_digest(str(found.code_mac), _code_mac(ports, mac, code)):
        raise CodeInvalid("Look into the newest mail, or have another one sent.")
    # A second request with the same code must not take the account just made for one that was there before.
    attempt = ports.identities.lock(found.provider, str(found.key))
    if attempt is None:
        raise Busy()
    try:
        # With another ticket they may have come in meanwhile: no second account for the same identity.
        if ports.identities.find(found.provider, str(found.key)) is not None:
            raise IdentityTaken()
        return _resolve(ports, mac, found, client, attempt, call=call)
    except Exception:
        # Whatever it was goes on; but nobody must wait for a lock whose holder has given up.
        ports.identities.unlock(found.provider, str(found.key))
        raise


def _code_mac(ports: Ports, mac: str, code: str) -> str:
    return ports.digest("email-code", f"{mac}:{code}")


def _resolve(ports: Ports, mac: str, found: AnswerRow, client: Client, attempt: str, *, call: Call) -> Gained:
    provider = ports.providers.get(found.provider)
    answer = ports.accounts.by_email(
        str(found.email),
        name=found.name,
        locale=found.locale,
        attempt=attempt if provider.allow_sign_up else None,
        call=call,
    )
    if answer is None:
        raise SignUpClosed("The provider's users need an account here first.")
    found.uid, is_new = answer
    if not is_new:
        if provider.link_policy == "never":
            raise EmailTaken("Sign in to it, then link the provider there.")
        found.kind, found.code_mac, found.left = "link", None, None
        unlocking = ports.identities.unlocking(found.provider, str(found.key))
        ports.answers.put(ports.answers.consuming(mac, "email"), unlocking)
        return with_ticket(ports, found)
    return _open(ports, mac, found, client, call)


def _open(ports: Ports, mac: str, found: AnswerRow, client: Client, call: Call) -> Gained:
    who = somebody_in(found)
    row, steps = ports.identities.linking(who, str(found.uid), sealed=None)
    person = Principal(kind="user", id=str(found.uid), user_id=found.uid)
    told = audit("oauth.linked", f"user:{found.uid}", by=person, call=call, provider=found.provider)
    steps += [ports.identities.settling(who), telling(ports.answers.table, told)]
    ports.answers.put(ports.answers.consuming(mac, "email"), *steps)
    found.identity_id = row.identity_id
    if found.delivery == "cookie":
        session_id = ids.new()
        ports.answers.put(*bearing(ports, found, session_id))
        code = ports.sessions.code(proof_in(found), session_id=session_id, challenge=found.challenge, call=call)
        return Gained("continue", code=code)
    return opened(ports, found, client, call=call)


def somebody_in(found: AnswerRow) -> Somebody:
    label = masked(found.email) if found.email else str(found.label)
    return Somebody(found.provider, str(found.key), str(found.sub), label, found.email)


def spelled(email: str) -> str:
    """The address as mail is sent to it. Raises `InvalidRequest`."""
    # Only this route needs it, and it takes some milliseconds to load.
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise InvalidRequest("The address cannot be used.", errors=[FieldError("/email", f"{error}")]) from None
