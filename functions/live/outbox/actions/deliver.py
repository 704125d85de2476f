"""Claim, send, record. The provider cannot tell a repeated call from a new one, so the claim must."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from email.errors import MessageError

from tessera import aws, clock, log, queues
from tessera.problems import Busy
from tessera.sealed import SealBroken, unseal

from .. import rules
from ..drafts import letter_of
from ..files import FileGone
from ..letters import Letter
from ..ports import Ports
from ..provider import Failed, NotSent, Paused, Refused, Throttled, Unsure
from ..rules import Mail
from ..store import MailStore, Slot
from ..templates import MissingVariable, UnknownTemplate
from . import unsubscribe

SEAL_PURPOSE = "mail"
# What the standard library raises of words and addresses that it does not come to terms with.
UNWRITABLE = (MessageError, ValueError, LookupError, TypeError, AttributeError)
# Queues hold a message back for a quarter of an hour at most; what waits longer, the sweeper brings.
_LONGEST_DELAY = timedelta(seconds=queues.MAX_DELAY_SECONDS)


class Unsendable(Exception):
    """This mail can never be sent as it is."""


def deliver(ports: Ports, mail_id: str, *, bulk: bool = False, tries: int = 0) -> None:
    """Send the mail, if it is waiting and nobody else is at it. 6 requests when all goes well, 7 for bulk.

    `tries` counts how often it found no room. A crash anywhere leaves it claimed; when the claim has run
    out, `wake` takes it up.
    """
    store = ports.store
    if bulk and store.guard.reputation()[0].stops_bulk:
        # No message: the sweeper brings it.
        store.mails.postpone(mail_id, clock.now() + rules.HELD)
        return
    slot = store.pace.take(ports.provider.rate(), bulk=bulk)
    if slot.wait_seconds:
        waiting = store.mails.postpone(mail_id, clock.now() + _later(slot.wait_seconds, tries))
        _come_back(store, waiting, tries=tries + 1)
        return
    mail = store.mails.claim(mail_id, clock.now())
    if mail is not None:
        _send(ports, mail, slot)


def _send(ports: Ports, mail: Mail, slot: Slot) -> None:
    store = ports.store
    aws.fault_point("outbox.claimed")
    try:
        letter, held = _letter(ports, mail)
        aws.fault_point("outbox.calling")
        message_id = ports.provider.send(letter)
    except Unsendable as refused:
        _end(ports, mail, str(refused))
        return
    except NotSent as refused:
        _not_sent(ports, mail, refused)
        return
    except Unsure as error:
        store.mails.lose(mail, clock.now())
        log.line("mail unsure", outcome="unknown", cause=str(error))
        return
    except (Busy, aws.ClientError, aws.BotoCoreError) as error:
        # The provider's own errors are all `NotSent` or `Unsure`: this one came before it was called.
        _not_sent(ports, mail, Failed(type(error).__name__))
        log.unexpected("composing a mail", error)
        return
    aws.fault_point("outbox.called")
    store.mails.record_sent(mail, message_id, held)
    aws.fault_point("outbox.recorded")
    if slot.is_probe:
        store.pace.resume()
        log.line("sending goes on", outcome="circuit closed")
    ports.listeners.tell(mail.id, mail.asked_by, "sent")


def _letter(ports: Ports, mail: Mail) -> tuple[Letter, frozenset[str]]:
    """The letter to send now, and who gets none of it. Raises `Unsendable`."""
    store = ports.store
    held = store.suppressions.held(mail.recipients, mail.category, clock.now())
    aws.fault_point("outbox.checked")
    if len(held) == len(mail.recipients):
        raise Unsendable("all-recipients-suppressed")
    content = store.bodies.get(mail.id)
    aws.fault_point("outbox.loaded")
    if content is None:
        raise Unsendable("content-gone")
    data = dict(content.data)
    try:
        if content.sealed:
            data |= unseal(store.settings.mail_key, SEAL_PURPOSE, content.sealed)
        whole = replace(content, attachments=ports.files.load(content.attachments))
        listed = unsubscribe.headers(ports.mac, ports.base, mail, content.headers)
        letter = letter_of(mail, whole, data, sender_name=store.settings.mail_name, held=held, headers=listed)
    except SealBroken:
        raise Unsendable("secret-unreadable") from None
    except FileGone:
        raise Unsendable("attachment-gone") from None
    except (UnknownTemplate, MissingVariable) as problem:
        raise Unsendable(problem.slug) from None
    try:
        letter.mime()
    except UNWRITABLE as error:
        # It would come to the same however often it were tried. What it says may be of the mail: not for the log.
        log.line("mail cannot be written", cause=type(error).__name__)
        raise Unsendable("cannot-be-written") from error
    aws.fault_point("outbox.composed")
    return letter, held


def _not_sent(ports: Ports, mail: Mail, refused: NotSent) -> None:
    store = ports.store
    now, counts = clock.now(), isinstance(refused, Failed)
    if isinstance(refused, Refused) or (counts and mail.failures + 1 >= rules.MAX_FAILURES):
        _end(ports, mail, refused.reason)
        return
    if isinstance(refused, Paused):
        store.pace.pause((now + rules.PAUSE).timestamp())
        metric = log.metric("mail_paused", stack=store.settings.stack)
        log.line("sending is paused by the provider", outcome="circuit open", cause=refused.reason, **metric)
        until = now + rules.PAUSE + _later(1, 0)
    else:
        tries = mail.failures if counts else mail.deferrals
        until = now + timedelta(seconds=rules.backoff_seconds(tries + 1, random.uniform))
    outcome = "throttled" if isinstance(refused, Throttled) else "failed"
    _come_back(store, store.mails.give_back(mail, until, outcome, refused.reason, counts=counts))


def _end(ports: Ports, mail: Mail, reason: str) -> None:
    if ports.store.mails.bury(mail, reason) is None:
        # It has gone on without us: reported, or taken up by another worker.
        return
    log.line("mail dead", outcome="dead", cause=reason)
    ports.listeners.tell(mail.id, mail.asked_by, "dead")


def _later(seconds: float, tries: int) -> timedelta:
    """Later than asked, each mail differently and the more often it came the more, so that a backlog costs little."""
    return timedelta(seconds=seconds + random.uniform(0, min(rules.LONGEST_BACKOFF_SECONDS, 2 ** min(tries + 1, 16))))


def _come_back(store: MailStore, mail: Mail | None, *, tries: int = 0) -> None:
    if mail is not None:
        announce(store, mail, tries=tries)


def announce(store: MailStore, mail: Mail, *, tries: int = 0) -> None:
    """A message for the worker of its stream at its time. 1 request to SQS; none for what the sweeper will bring."""
    delay = mail.next_at - clock.now()
    if delay > _LONGEST_DELAY:
        return
    # Rounded up: a message that comes early finds nothing to claim, and the sweeper is a minute away.
    seconds = max(0, -(-int(delay.total_seconds() * 1000) // 1000))
    queues.send(_queue_of(store, mail), "send", _asked(mail, tries), delay_seconds=seconds)


def announce_all(store: MailStore, mails: Sequence[Mail]) -> None:
    """Messages for mails that are to be sent at once: 1 request to SQS for 10 of a stream."""
    for queue in (store.settings.queue, store.settings.bulk_queue):
        bodies = [queues.message("send", _asked(mail, 0)) for mail in mails if _queue_of(store, mail) == queue]
        queues.send_bodies(queue, bodies)


def _queue_of(store: MailStore, mail: Mail) -> str:
    return store.settings.bulk_queue if mail.category == "bulk" else store.settings.queue


def _asked(mail: Mail, tries: int) -> dict[str, object]:
    return {"mail_id": mail.id, "bulk": mail.category == "bulk", "tries": tries}
