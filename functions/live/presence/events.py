"""What `presence` tells the rest: sessions that begin and end.

Nobody here reads them yet: they are for whoever keeps a record of who worked on what. `privacy.data.erased` is for
`admin`, which keeps the proof.
"""

from typing import ClassVar

from tessera.bus import Event


class SessionJoined(Event):
    type: ClassVar[str] = "presence.session.joined.v1"

    doc: str
    session_id: str
    user_id: str


class SessionLeft(Event):
    """`reason` is `left`, `closed` (its socket), `silent`, `removed` (not admitted any more) or `erased`."""

    type: ClassVar[str] = "presence.session.left.v1"

    doc: str
    session_id: str
    user_id: str
    reason: str


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
