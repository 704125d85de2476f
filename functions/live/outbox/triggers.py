"""The ways in other than HTTP: the queue of mails and the queue of the provider's events."""

from typing import Any

from pydantic import Field

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On, worker
from tessera.types import Model

from .actions.ask import ask_for_event
from .actions.deliver import deliver
from .actions.receive import receive
from .actions.report import NotKnownYet, report
from .actions.wake import wake
from .drafts import Content
from .inbound import RECEIVED, arrived
from .ports import Ports
from .receipts import read, unwrapped


class MailRequested(Model):
    """The part that is read of `accounts.mail.requested.v1`. `secret` is sealed for the purpose `mail`."""

    to: str
    template: str
    data: dict[str, Any] = Field(default_factory=dict)
    secret: str | None = None


class SendMail(Model):
    mail_id: str
    bulk: bool = False
    tries: int = 0


def _requested(event: MailRequested, received: Envelope, bindings: Bindings) -> None:
    content = Content(template=event.template, data=event.data, sealed=event.secret)
    ask_for_event(bindings.get(Ports), to=event.to, content=content, received=received)


def _send(job: SendMail, received: Envelope, bindings: Bindings) -> None:
    deliver(bindings.get(Ports), job.mail_id, bulk=job.bulk, tries=job.tries)


def _wake(item: DueItem, bindings: Bindings) -> None:
    wake(bindings.get(Ports), item.pk.removeprefix("M#"))


def _reported(body: str, bindings: Bindings) -> None:
    """Every report of the message is noted before one that must wait sends it back to the queue."""
    event = unwrapped(body)
    if event.get("notificationType") == RECEIVED:
        receive(bindings.get(Ports), arrived(event))
        return
    early: NotKnownYet | None = None
    for receipt in read(event):
        try:
            report(bindings.get(Ports), receipt)
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
