"""What the sweeper brings: mails whose message was lost, whose claim ran out, whose outcome stayed unknown."""

from tessera import clock

from .. import rules
from ..provider import Provider
from ..store import MailStore
from .deliver import deliver


def wake(store: MailStore, provider: Provider, mail_id: str) -> None:
    """Do what is due for this mail now, if anything still is. 1 request, and what follows from it.

    Every step has the state and the attempt in its condition, so a second call finds nothing to do.
    """
    mail, now = store.mails.get(mail_id), clock.now()
    if mail is None:
        return
    if mail.state == "queued" and mail.next_at <= now:
        deliver(store, provider, mail_id)
    elif mail.state == "claimed" and mail.lease_until is not None and mail.lease_until <= now:
        store.mails.lose(mail, now)
    elif mail.state == "unknown" and mail.next_at <= now:
        _decide(store, provider, mail)


def _decide(store: MailStore, provider: Provider, mail: rules.Mail) -> None:
    if rules.after_unknown(mail.on_unknown, mail.resends) == "hold":
        store.mails.bury(mail, rules.UNKNOWN_OUTCOME)
    elif store.mails.send_again(mail, clock.now(), of=["unknown"], resends=mail.resends + 1):
        deliver(store, provider, mail.id)
