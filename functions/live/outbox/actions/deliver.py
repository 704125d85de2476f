"""Claim, send, record. The provider cannot tell a repeated call from a new one, so the claim must."""

import random
from datetime import datetime, timedelta

from tessera import aws, clock, log, queues
from tessera.problems import Busy
from tessera.sealed import SealBroken, unseal

from .. import rules
from ..drafts import letter_of
from ..letters import Letter
from ..provider import Failed, NotSent, Paused, Provider, Refused, Throttled, Unsure
from ..rules import Mail
from ..store import MailStore
from ..templates import MissingVariable, UnknownTemplate

SEAL_PURPOSE = "mail"
# Queues hold a message back for a quarter of an hour at most; what waits longer, the sweeper brings.
_LONGEST_DELAY = timedelta(seconds=queues.MAX_DELAY_SECONDS)


class Unsendable(Exception):
    """This mail can never be sent as it is."""


def deliver(store: MailStore, provider: Provider, mail_id: str) -> None:
    """Send the mail, if it is waiting and nobody else is at it. 7 requests when all goes well.

    A crash anywhere leaves it claimed; when the claim has run out, `wake` takes it up.
    """
    wait = store.pace.wait_seconds(provider.rate())
    if wait:
        _come_back(store, store.mails.postpone(mail_id, clock.now() + _jittered(wait)))
        return
    mail = store.mails.claim(mail_id, clock.now())
    if mail is None:
        return
    aws.fault_point("outbox.claimed")
    try:
        letter = _letter(store, mail)
        aws.fault_point("outbox.calling")
        message_id = provider.send(letter)
    except Unsendable as refused:
        _end(store, mail, str(refused))
        return
    except NotSent as refused:
        _not_sent(store, mail, refused)
        return
    except Unsure as error:
        store.mails.lose(mail, clock.now())
        log.line("mail unsure", outcome="unknown", cause=str(error))
        return
    except (Busy, aws.ClientError, aws.BotoCoreError) as error:
        # The provider's own errors are all `NotSent` or `Unsure`: this one came before it was called.
        _not_sent(store, mail, Failed(type(error).__name__))
        log.unexpected("composing a mail", error)
        return
    aws.fault_point("outbox.called")
    store.mails.record_sent(mail, message_id)
    aws.fault_point("outbox.recorded")


def _letter(store: MailStore, mail: Mail) -> Letter:
    """The letter to send now. Raises `Unsendable`."""
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
        letter = letter_of(mail, content, data, sender_name=store.settings.mail_name, held=held)
    except SealBroken:
        raise Unsendable("secret-unreadable") from None
    except (UnknownTemplate, MissingVariable) as problem:
        raise Unsendable(problem.slug) from None
    aws.fault_point("outbox.composed")
    return letter


def _not_sent(store: MailStore, mail: Mail, refused: NotSent) -> None:
    now, counts = clock.now(), isinstance(refused, Failed)
    if isinstance(refused, Refused) or (counts and mail.failures + 1 >= rules.MAX_FAILURES):
        _end(store, mail, refused.reason)
        return
    if isinstance(refused, Paused):
        store.pace.pause((now + rules.PAUSE).timestamp())
        log.line("sending is paused by the provider", outcome="circuit open", cause=refused.reason)
        until = now + rules.PAUSE + _jittered(1)
    else:
        tries = mail.failures if counts else mail.deferrals
        until = now + timedelta(seconds=rules.backoff_seconds(tries + 1, random.uniform))
    outcome = "throttled" if isinstance(refused, Throttled) else "failed"
    _come_back(store, store.mails.give_back(mail, until, outcome, refused.reason, counts=counts))


def _end(store: MailStore, mail: Mail, reason: str) -> None:
    store.mails.bury(mail, reason)
    log.line("mail dead", outcome="dead", cause=reason)


def _jittered(seconds: float) -> timedelta:
    """A little later than asked, each worker differently, so that they do not all come back at once."""
    return timedelta(seconds=seconds + random.uniform(0, 2))


def _come_back(store: MailStore, mail: Mail | None) -> None:
    if mail is not None:
        announce(store, mail.id, mail.next_at)


def announce(store: MailStore, mail_id: str, when: datetime) -> None:
    """A message for the worker at this time. 1 request to SQS; none for what the sweeper will bring."""
    delay = when - clock.now()
    if delay <= _LONGEST_DELAY:
        # Rounded up: a message that comes early finds nothing to claim, and the sweeper is a minute away.
        seconds = max(0, -(-int(delay.total_seconds() * 1000) // 1000))
        queues.send(store.settings.queue, "send", {"mail_id": mail_id}, delay_seconds=seconds)
