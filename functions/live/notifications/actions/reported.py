"""What providers and others report later: mails that arrived, numbers that want nothing, addresses that complained."""

from tessera import clock

from ..ports import Ports
from ..rules import sms
from ..rules.kinds import EVERY_TYPE
from ..store.deliveries import Move
from .unsubscribe import switch_off

# What Twilio says of a message in the end.
ARRIVED, LOST = frozenset(["delivered", "read"]), frozenset(["undelivered", "failed"])
HELP = "Tessera: notifications you asked for. Reply STOP to end them."
STOPPED = "You get no more messages from us. Reply START to have them again."
STARTED = "You get messages from us again. Reply STOP to end them."


class NotSentYet(Exception):
    """The report came before its delivery was written down: it comes again."""


def arrived(ports: Ports, notification_id: str, channel: str) -> None:
    _report(ports, notification_id, channel, Move("delivered", note="delivered"))


def lost(ports: Ports, notification_id: str, channel: str, reason: str) -> None:
    _report(ports, notification_id, channel, Move("failed", reason, note=reason))


def complained(ports: Ports, address_hash: str) -> None:
    """Whoever gets mail there gets none any more, but what is mandatory. 1 request, and 2 a person."""
    for user_id in ports.store.people.behind(address_hash):
        switch_off(ports, user_id, EVERY_TYPE)


def replied(ports: Ports, number: str, text: str) -> str:
    """What is answered to an SMS: nothing to what is none of the keywords. 1 write."""
    wanted = sms.keyword(text)
    if wanted == "stop":
        ports.store.people.stop(number)
        return STOPPED
    if wanted == "start":
        ports.store.people.start(number)
        return STARTED
    return HELP if wanted == "help" else ""


def _report(ports: Ports, notification_id: str, channel: str, move: Move) -> None:
    """Only what was sent can have arrived or been lost. Raises `NotSentYet`."""
    row = ports.store.deliveries.get(notification_id, channel)
    if row is None or row.state in ("delivered", "failed", "dead", "cancelled", "skipped"):
        return
    if row.state != "sent":
        raise NotSentYet(f"{notification_id} {channel} at {clock.rfc3339(clock.now())}")
    ports.store.deliveries.turn(row, move)
