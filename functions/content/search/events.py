"""What `search` tells the rest: only that it has erased what somebody had. It is fed by others."""

from typing import ClassVar

from tessera.bus import Event


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
