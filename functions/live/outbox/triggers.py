"""The ways in other than HTTP: the queue of mails and the queue of the provider's events."""

from typing import Any

from pydantic import BaseModel

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On, worker

from .actions.ask import ask_for_event
from .actions.deliver import deliver
from .actions.report import NotKnownYet, report
from .actions.wake import wake
from .drafts import Content
from .provider import SESProvider
from .receipts import read
from .store import MailStore


class MailRequested(BaseModel):
    """The part that is read of `accounts.mail.requested.v1`. `secret` is sealed for the purpose `mail`."""

    to: str
    template: str
    data: dict[str, Any] = {}
    secret: str | None = None


class SendMail(BaseModel):
    mail_id: str


def _requested(event: MailRequested, received: Envelope, bindings: Bindings) -> None:
    content = Content(template=event.template, data=event.data, sealed=event.secret)
    store, provider = bindings.get(MailStore), bindings.get(SESProvider)
    ask_for_event(store, provider, to=event.to, content=content, received=received)


def _send(job: SendMail, received: Envelope, bindings: Bindings) -> None:
    deliver(bindings.get(MailStore), bindings.get(SESProvider), job.mail_id)


def _wake(item: DueItem, bindings: Bindings) -> None:
    wake(bindings.get(MailStore), bindings.get(SESProvider), item.pk.removeprefix("M#"))


def _reported(body: str, bindings: Bindings) -> None:
    """Every report of the message is noted before one that must wait sends it back to the queue."""
    early: NotKnownYet | None = None
    for receipt in read(body):
        try:
            report(bindings.get(MailStore), receipt)
        except NotKnownYet as error:
            early = error
    if early is not None:
        raise early


ENTRIES = Entries(
    events=(On("accounts.mail.requested.v1", MailRequested, _requested),),
    jobs=(On("send", SendMail, _send),),
    due=_wake,
    raw=_reported,
)
handler = worker("outbox", ENTRIES)
