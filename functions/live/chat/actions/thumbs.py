"""Small pictures of what is attached: shown as soon as `media` has made them, before the message was said or after."""

from tessera import queues
from tessera.auth.principal import Principal
from tessera.problems import NotFound

from ..ports import Ports
from ..rules.messages import Message, Place
from ..store.rows import place_in
from ..thumbnails import Served
from .access import person
from .changes import show_thumb, visible

OF_MESSAGE, OF_FILE = "message.thumbs", "file.thumb"
FILES_AT_ONCE = 50


def ask(ports: Ports, message: Message) -> None:
    """1 message, none where nothing is attached that may have one."""
    if any(one.may_have_thumb and one.thumb is None for one in message.attachments):
        work = {"room_id": message.room_id, "n": message.place.n, "thread_n": message.place.tn}
        queues.send(ports.queue, OF_MESSAGE, work)


def show_in(ports: Ports, room_id: str, place: Place) -> None:
    """Show with a message what there is by now; for the rest `media` says when it is there. Raises `Unavailable`."""
    message = ports.messages.at(room_id, place)
    for one in message.attachments if message is not None else ():
        found = ports.thumbnails.find(one.id) if one.may_have_thumb else None
        if found is not None:
            show_thumb(ports, room_id, place, one.id, found.thumb)


def show_everywhere(ports: Ports, file_id: str, after: str | None) -> None:
    """Show it wherever the file is attached, some places at a time. Raises `Unavailable`."""
    held = ports.messages.holders(file_id, FILES_AT_ONCE, after)
    found = ports.thumbnails.find(file_id) if held else None
    if found is None:
        return
    for room_id, key in held:
        show_thumb(ports, room_id, place_in(key), file_id, found.thumb)
    if len(held) == FILES_AT_ONCE:
        queues.send(ports.queue, OF_FILE, {"file_id": file_id, "after": "#".join(held[-1])})


def link(
    ports: Ports, room_id: str, message_id: str, file_id: str, size: str, accept: str | None, *, by: Principal
) -> Served:
    """Where the picture is, for who may read the message. 2 requests and 1 internal call.

    Raises `NotFound`, `Unavailable`, and what `visible` raises.
    """
    _, message = visible(ports, room_id, message_id, person(by))
    is_there = any(one.id == file_id and one.state == "ready" for one in message.attachments)
    found = ports.thumbnails.find(file_id, size, accept) if is_there else None
    if found is None:
        raise NotFound("There is no such picture, or not yet.")
    return found
