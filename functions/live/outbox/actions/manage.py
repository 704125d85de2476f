"""What people do with mails: cancel, retry, bring dead letters back, look at the source, erase."""

import base64
from collections.abc import Sequence
from dataclasses import replace

from tessera import clock, queues
from tessera.problems import Gone, NotFound
from tessera.transact import telling, transact

from .. import events, rules
from ..drafts import letter_of
from ..letters import Attachment
from ..rules import Mail
from ..store import MailStore
from ..templates import withheld
from .deliver import announce

ERASE_AT_ONCE = 20


def cancel(store: MailStore, mail_id: str) -> Mail:
    """Raises `NotFound` or `NotCancellable`. 1 request."""
    mail = store.mails.cancel(mail_id)
    if mail is not None:
        return mail
    found = _found(store, mail_id)
    raise rules.NotCancellable(f"The mail is {found.state}; only a queued one can be cancelled.")


def retry(store: MailStore, mail_id: str) -> Mail:
    """Queue a mail that is dead or whose outcome is unknown. Raises `NotFound` or `NotRetryable`. 2 requests."""
    before = _found(store, mail_id)
    mail = _revive(store, before) if before.state in rules.RETRYABLE else None
    if mail is None:
        raise rules.NotRetryable(f"The mail is {before.state}; only a dead or unknown one can be sent again.")
    return mail


def redrive(store: MailStore, mail_ids: Sequence[str], *, at_most: int) -> tuple[int, int]:
    """Queue dead mails again, these or the newest ones, and give the queue's own dead letters another try.

    How many of each comes back. Two at once move each of them once.
    """
    if mail_ids:
        found = [mail for mail in map(store.mails.get, mail_ids) if mail is not None]
    else:
        found, place = store.listing.in_state("dead", at_most, None)
        while place is not None and len(found) < at_most:
            more, place = store.listing.in_state("dead", at_most - len(found), place)
            found += more
    moved = sum(_revive(store, mail) is not None for mail in found if mail.state == "dead")
    asked = store.settings
    streams = [] if mail_ids else [(asked.dead_queue, asked.queue), (asked.bulk_dead_queue, asked.bulk_queue)]
    return moved, sum(queues.redrive(dead, queue, at_most=at_most) for dead, queue in streams)


def resume(store: MailStore) -> None:
    """Let bulk go on, and mails of every kind if the provider had paused them. 2 requests."""
    store.guard.forget()
    store.pace.resume()


def source(store: MailStore, mail_id: str) -> str:
    """The mail as RFC 5322 text, with a mark in the place of each secret. 2 requests. Raises `NotFound`, `Gone`."""
    mail, content = _found(store, mail_id), store.bodies.get(mail_id)
    if content is None:
        raise Gone("What the mail said is no longer kept.")
    data = withheld(content.template, content.data) if content.template else {}
    shown = replace(content, attachments=tuple(map(_noted, content.attachments)))
    return letter_of(mail, shown, data, sender_name=store.settings.mail_name).mime().decode()


def erase(store: MailStore, addresses: Sequence[str], owner_id: str) -> bool:
    """Delete every mail to these addresses; whether all is done. Some twenty a call."""
    for address in addresses:
        if not store.listing.forget(address, at_most=ERASE_AT_ONCE):
            return False
        store.suppressions.anonymise(address)
    transact(telling(store.table, events.DataErased(owner_id=owner_id, capability="outbox")))
    return True


def _noted(attachment: Attachment) -> Attachment:
    """A file is named and not fetched: with it, the answer would be larger than one may be."""
    if attachment.stored_at is None:
        return attachment
    note = f"{attachment.size} bytes of {attachment.type}, in `files`.".encode()
    return replace(attachment, type="text/plain", base64=base64.b64encode(note).decode())


def _found(store: MailStore, mail_id: str) -> Mail:
    mail = store.mails.get(mail_id)
    if mail is None:
        raise NotFound()
    return mail


def _revive(store: MailStore, before: Mail) -> Mail | None:
    mail = store.mails.send_again(before, clock.now(), of=[before.state], resends=0)
    if mail is not None:
        announce(store, mail)
    return mail
