"""Cards of what a message links to: asked for when it was said, in work of its own, because pages are slow."""

from tessera import log, queues
from tessera.problems import Unavailable

from ..ports import Ports
from ..rules.messages import Message, Place, links_of
from .changes import show_cards

CARDS = "message.cards"
MAX_TRIES, PAUSE_SECONDS = 3, 10


def ask(ports: Ports, message: Message) -> None:
    """1 message, none for what links to nothing or shows all its cards."""
    links = links_of(message.text)
    if links and {one.url for one in message.cards} != set(links):
        _send(ports, message.room_id, message.place, tries=0)


def show(ports: Ports, room_id: str, place: Place, tries: int) -> None:
    """Show the cards that can be had. Told again, it changes nothing. A page that is away leaves its link a link."""
    message = ports.messages.at(room_id, place)
    links = links_of(message.text) if message is not None else ()
    if not links:
        return
    try:
        found = ports.previews.cards(links)
    except Unavailable:
        if tries + 1 < MAX_TRIES:
            _send(ports, room_id, place, tries=tries + 1)
        else:
            log.line("cards", outcome="given up")
        return
    show_cards(ports, room_id, place, links, found)


def _send(ports: Ports, room_id: str, place: Place, *, tries: int) -> None:
    work = {"room_id": room_id, "n": place.n, "thread_n": place.tn, "tries": tries}
    queues.send(ports.queue, CARDS, work, delay_seconds=PAUSE_SECONDS if tries else 0)
