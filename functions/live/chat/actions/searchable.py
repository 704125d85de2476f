"""Messages as `search` takes them in, and who may find them."""

from collections.abc import Sequence

from tessera.problems import NotFound
from tessera.searchable import SearchDoc, SearchDocs

from ..ports import Ports
from ..rules.messages import Message
from ..rules.rooms import lowest_visible

MOST_USED = 3


def one(ports: Ports, room_id: str, message_id: str) -> SearchDocs:
    """A message, or nothing when it is gone for good. 1 request."""
    try:
        return SearchDocs(items=[_document(ports.messages.get(room_id, message_id))])
    except NotFound:
        return SearchDocs(items=[])


def membership(ports: Ports, user_id: str, room_ids: Sequence[str]) -> list[tuple[str, int]]:
    """In which of these rooms somebody is, and from which message on they read it.

    Without any, of the three where something was said last. 1 request per room, or 2.
    """
    if room_ids:
        found = []
        for room_id in dict.fromkeys(room_ids):
            try:
                room, member = ports.rooms.door(room_id, user_id)
            except NotFound:
                continue
            if member is not None and member.role.is_inside:
                found.append((room_id, lowest_visible(room, member)))
        return found
    members, _ = ports.rooms.rooms_of(user_id, MOST_USED, None)
    rooms = ports.rooms.rooms([member.room_id for member in members])
    return [
        (member.room_id, lowest_visible(rooms[member.room_id], member))
        for member in members
        if member.room_id in rooms and member.role.is_inside
    ]


def _document(message: Message) -> SearchDoc:
    acl = f"room:{message.room_id}"
    # Every change of a message counts it up, so that what was deleted is newer than what was said.
    seq = message.version
    if message.deleted_at is not None:
        return SearchDoc(id=message.id, seq=seq, deleted=True, type="message", acl=acl)
    return SearchDoc(
        id=message.id,
        seq=seq,
        type="message",
        acl=acl,
        body=message.text,
        url=f"/chat/rooms/{message.room_id}/messages/{message.id}",
        author=message.author_id,
        updated_at=message.edited_at or message.at,
        n=message.place.n,
    )
