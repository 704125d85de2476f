"""What `ratelimit` tells the rest.

`ratelimit.subject.limited` is written by the layer, on an item beside the bucket, in whichever capability refused the
request; it comes back to the queue of `ratelimit`, which keeps the list of who was limited most. `privacy.data.erased`
goes to `admin`, which keeps the proof.
"""

from typing import ClassVar, Literal

from tessera.bus import Event
from tessera.types import Instant


class SubjectLimited(Event):
    """Somebody was refused, for the first time in the minute `at`. `subject` is a hash, `kind` says what of."""

    type: ClassVar[str] = "ratelimit.subject.limited.v1"

    policy: str
    kind: str
    subject: str
    at: Instant
    mode: Literal["enforce", "shadow"]


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
