"""What the sweeper brings: mails whose message was lost, whose claim ran out, whose outcome stayed unknown."""

from tessera import clock

from .. import rules
from ..ports import Ports
from ..rules import Mail
from .deliver import announce, deliver


def wake(ports: Ports, mail_id: str) -> None:
    """Do what is due for this mail now, if anything still is. 1 request, and what follows from it.

    Every step has the state and the attempt in its condition, so a second call finds nothing to do.
    """
    store = ports.store
    mail, now = store.mails.get(mail_id), clock.now()
    if mail is None:
        return
    if mail.state == "queued" and mail.next_at <= now:
        _send(ports, mail)
    elif mail.state == "claimed" and mail.lease_until is not None and mail.lease_until <= now:
        store.mails.lose(mail, now)
    elif mail.state == "unknown" and mail.next_at <= now:
        _decide(ports, mail)


def _decide(ports: Ports, mail: Mail) -> None:
    if rules.after_unknown(mail.on_unknown, mail.resends) == "hold":
        if ports.store.mails.bury(mail, rules.UNKNOWN_OUTCOME) is not None:
            ports.listeners.tell(mail.id, mail.asked_by, "dead")
        return
    again = ports.store.mails.send_again(mail, clock.now(), of=["unknown"], resends=mail.resends + 1)
    if again is not None:
        _send(ports, again)


def _send(ports: Ports, mail: Mail) -> None:
    """Now, or for bulk by its own queue: what the sweeper brings comes by the queue of what cannot wait."""
    if mail.category != "bulk":
        deliver(ports, mail.id)
        return
    waiting = ports.store.mails.postpone(mail.id, clock.now())
    if waiting is not None:
        announce(ports.store, waiting)
