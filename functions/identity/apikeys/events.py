"""What `apikeys` tells the rest.

All of it comes back to its own queue, which writes the mails to whoever made the key. `realtime` will
close the connections of a revoked key. `privacy.data.erased` is for `admin`, which keeps the proof.
"""

from typing import ClassVar, Literal

from tessera.bus import Event
from tessera.types import Instant, Model


class _OfKey(Model):
    """Which key and whose. `prefix` is what may be shown of it; a secret never travels."""

    key_id: str
    owner_id: str
    user_id: str
    name: str
    prefix: str


class KeyCreated(_OfKey, Event):
    type: ClassVar[str] = "apikeys.key.created.v1"

    env: Literal["live", "test"]
    scopes: list[str]
    expires_at: Instant


class KeyRotated(_OfKey, Event):
    """The old secret is good until `old_until`, and at once no more where that is null."""

    type: ClassVar[str] = "apikeys.key.rotated.v1"

    old_until: Instant | None = None


class KeyRevoked(_OfKey, Event):
    type: ClassVar[str] = "apikeys.key.revoked.v1"

    reason: Literal["asked", "by_staff", "leaked", "owner_gone"]


class KeyExpiring(_OfKey, Event):
    """It ends in so many days; with 0 it has ended."""

    type: ClassVar[str] = "apikeys.key.expiring.v1"

    days: int
    expires_at: Instant


class KeyLeaked(_OfKey, Event):
    """Somebody who should not have it has shown that they do. It was revoked in the same moment."""

    type: ClassVar[str] = "apikeys.key.leaked.v1"


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
