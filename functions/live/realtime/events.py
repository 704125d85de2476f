"""What `realtime` tells: users who come and go and closed connections, for `presence`.

`grant.revoked` comes back to its own queue; `privacy.data.erased` is for `admin`, which keeps the proof.
"""

from typing import ClassVar

from tessera.bus import Event
from tessera.live import GrantRevoked as GrantRevoked


class UserOnline(Event):
    """The first connection of a user, ten seconds ago and still there."""

    type: ClassVar[str] = "realtime.user.online.v1"

    user_id: str


class UserOffline(Event):
    type: ClassVar[str] = "realtime.user.offline.v1"

    user_id: str


class ConnectionClosed(Event):
    """A connection that listened to documents."""

    type: ClassVar[str] = "realtime.connection.closed.v1"

    user_id: str
    client: str
    documents: list[str]


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
