"""Links of bulk mails after which an address gets none, good without signing in (RFC 8058)."""

import json
from collections.abc import Mapping

from tessera.auth import jws
from tessera.auth.mac import Mac
from tessera.problems import Busy, Problem
from tessera.transact import transact

from .. import rules
from ..addresses import digest
from ..letters import has_own
from ..rules import Mail
from ..store import Contended, MailStore, suppression_of

PURPOSE = "outbox-unsubscribe"
MAX_CHARACTERS = 400
_TRIES = 8


class UnsubscribeUnknown(Problem):
    status, slug, title = 404, "unsubscribe-link-unknown", "This link is not one of ours"


def headers(mac: Mac, base: str, mail: Mail, given: Mapping[str, str]) -> dict[str, str]:
    """What a bulk mail carries, unless it brought a `List-Unsubscribe` of its own."""
    if mail.category != "bulk" or has_own(given):
        return {}
    link = f"{base}/outbox/unsubscribe?token={token_of(mac, mail)}"
    return {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def token_of(mac: Mac, mail: Mail) -> str:
    """Good for as long as the key it is signed with. It names the address by its hash alone."""
    body = json.dumps([digest(mail.to[0]), mail.id], separators=(",", ":")).encode()
    return f"{jws.encode(body)}.{jws.encode(mac(PURPOSE).sign(body))}"


def read(mac: Mac, token: str) -> tuple[str, str]:
    """The hash of the address, and the mail. Raises `UnsubscribeUnknown` for what is not ours."""
    body, _, tag = token.partition(".")
    try:
        raw = jws.decode(body)
        if not mac(PURPOSE).verify(raw, jws.decode(tag)):
            raise UnsubscribeUnknown
    except jws.Malformed:
        raise UnsubscribeUnknown("Use the link of a newer mail.") from None
    address_hash, mail_id = json.loads(raw)
    return str(address_hash), str(mail_id)


def unsubscribe(store: MailStore, mac: Mac, token: str) -> None:
    """No more bulk mail to this address, however often it is asked. 3 requests. Raises `UnsubscribeUnknown`."""
    address_hash, mail_id = read(mac, token)
    mail = store.mails.get(mail_id)
    address = next((one for one in mail.recipients if digest(one) == address_hash), "") if mail else ""
    for _ in range(_TRIES):
        before = store.suppressions.get(address_hash)
        known = suppression_of(before)
        after = rules.after_unsubscribing(known)
        if after == known:
            return
        try:
            transact(store.suppressions.changing(before, address_hash, after, address))
            return
        except Contended:
            continue
    raise Busy()
