"""Mails that are asked for, by a request or by an event."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tessera import clock
from tessera.idempotency import Intent
from tessera.outbox import Envelope
from tessera.problems import Problem
from tessera.transact import AlreadySeen

from .. import rules
from ..addresses import normalised
from ..drafts import Content, Draft
from ..ports import Ports
from ..rules import Mail
from ..store import MailStore
from ..templates import check, template_of
from .deliver import announce, announce_all, deliver


def ask(
    store: MailStore,
    write: Callable[[], Draft],
    intent: Intent,
    *,
    by: str,
    tell: Callable[[MailStore, Sequence[Mail]], None] = announce_all,
) -> tuple[Mail, bool]:
    """Keep the mail and tell the worker; whether the same request had done so before. 2 requests and 1 message.

    Whoever asks for many may `tell` of them together.

    Raises `SenderNotVerified`, `AllSuppressed`, and what `write`, `check` and `idempotency.create` raise.
    """
    try:
        draft = write()
        _check(store, draft)
    except Problem:
        # What it asks for may have gone since it was answered: a file, or whoever wants mail.
        before = store.mails.asked_before(intent)
        if before is None:
            raise
        return before, True
    mail, replayed = store.mails.ask(draft, intent, by)
    if not replayed and mail.next_at <= clock.now():
        tell(store, [mail])
    return mail, replayed


def _check(store: MailStore, draft: Draft) -> None:
    if draft.sender not in store.settings.senders:
        raise rules.SenderNotVerified(f"Send from {', '.join(sorted(store.settings.senders))}.")
    if draft.content.template is not None:
        check(draft.content.template, draft.content.data, sealed=False)
    addresses = (*draft.to, *draft.cc, *draft.bcc)
    held = store.suppressions.held(addresses, draft.category, clock.now())
    if held and held.issuperset(addresses):
        raise rules.AllSuppressed("Their mail came back, or they asked for none. An administrator can lift this.")


def hand_over(store: MailStore, draft: Draft, mail_id: str, *, by: str) -> None:
    """Keep the mail that another of our services has written, under the id it gave it, and tell the worker.

    2 requests and 1 message; handed over again, nothing happens. Raises `AllSuppressed`, and what `check` raises.
    """
    if draft.content.template is not None:
        check(draft.content.template, draft.content.data, sealed=draft.content.sealed is not None)
    held = store.suppressions.held(draft.to, draft.category, clock.now())
    if held.issuperset(draft.to):
        before = store.mails.get(mail_id)
        if before is not None and before.to == draft.to:
            return
        raise rules.AllSuppressed("Their mail came back, or they asked for none. An administrator can lift this.")
    try:
        mail = store.mails.ask_once(draft, mail_id, by)
    except AlreadySeen:
        return
    announce(store, mail)


def ask_for_event(ports: Ports, *, to: str, content: Content, received: Envelope) -> None:
    """Keep the mail of this event and send it at once.

    A crash in between loses nothing: the mail is there, and the sweeper brings it. Raises `AlreadySeen`.
    """
    name = content.template or ""
    when = clock.parse(received.time)
    data = {"at": f"{when.day} {when:%B %Y, %H:%M} UTC", **content.data}
    check(name, data, sealed=content.sealed is not None)
    draft = Draft(
        sender=ports.store.settings.mail_from,
        to=(normalised(to),),
        subject=template_of(name).subject,
        content=replace(content, data=data),
    )
    mail = ports.store.mails.ask_once(draft, received.id, "accounts")
    deliver(ports, mail.id)
