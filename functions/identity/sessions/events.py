"""What `sessions` tells the rest.

Nobody listens yet to `session.created` and `session.ended`; `realtime` will close the sockets of an ended one.
`privacy.data.erased` is for `admin`, which keeps the proof.
"""

from typing import ClassVar

from tessera.bus import Event


class SessionCreated(Event):
    type: ClassVar[str] = "sessions.session.created.v1"

    user_id: str
    session_id: str
    client_id: str
    aal: int


class SessionEnded(Event):
    """Its access tokens are in the revocation feed already."""

    type: ClassVar[str] = "sessions.session.ended.v1"

    user_id: str
    session_id: str
    reason: str


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
