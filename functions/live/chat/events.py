"""What `chat` tells the rest.

Its own events come back to its queue: search rows follow, and who is mentioned or invited is told on their own topic.
`notifications` will take messages and warnings; what is reported is for moderators. `privacy.data.erased` is the proof
of an erasure.
"""

from typing import ClassVar

from tessera.bus import Event
from tessera.types import Instant, Model


class _OfMessage(Model):
    """Which message, in which room. `n` is its number there, `thread_n` its number below message `n`, or 0."""

    room_id: str
    message_id: str
    n: int
    thread_n: int
    author_id: str


class MessageCreated(_OfMessage, Event):
    """`members` are those of a direct conversation; of a room there may be too many to name."""

    type: ClassVar[str] = "chat.message.created.v1"

    room_kind: str
    room_name: str
    mentions: list[str]
    mentions_room: bool
    members: list[str]
    preview: str


class MessageEdited(_OfMessage, Event):
    """`mentions` are those that were not there before."""

    type: ClassVar[str] = "chat.message.edited.v1"

    mentions: list[str]


class MessageDeleted(_OfMessage, Event):
    type: ClassVar[str] = "chat.message.deleted.v1"

    by: str


class MessagesTrimmed(Event):
    """What was older than its room keeps is gone."""

    type: ClassVar[str] = "chat.messages.trimmed.v1"

    room_id: str
    message_ids: list[str]


class RoomCreated(Event):
    type: ClassVar[str] = "chat.room.created.v1"

    room_id: str
    room_kind: str
    by: str
    members: list[str]


class RoomChanged(Event):
    type: ClassVar[str] = "chat.room.changed.v1"

    room_id: str
    by: str
    changed: list[str]


class RoomArchived(Event):
    type: ClassVar[str] = "chat.room.archived.v1"

    room_id: str
    by: str


class RoomPurged(Event):
    type: ClassVar[str] = "chat.room.purged.v1"

    room_id: str


class MembersChanged(Event):
    """`change` is `joined`, `invited`, `left`, `removed`, `banned`, `unbanned` or `role`."""

    type: ClassVar[str] = "chat.members.changed.v1"

    room_id: str
    by: str
    change: str
    members: list[str]


class ReportCreated(Event):
    type: ClassVar[str] = "chat.report.created.v1"

    report_id: str
    room_id: str
    message_id: str
    author_id: str
    reason: str


class UserWarned(Event):
    """A moderator has warned somebody about what they said."""

    type: ClassVar[str] = "chat.user.warned.v1"

    user_id: str
    room_id: str
    message_id: str
    at: Instant


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
