"""What `notifications` tells the rest.

`delivery.sent` and `delivery.failed` have no consumer yet; `privacy.data.erased` is for `admin`, which keeps the proof.
"""

from typing import ClassVar

from tessera.bus import Event


class DeliverySent(Event):
    """A provider took it. To whom is not said: `user_id` is enough for whoever may know."""

    type: ClassVar[str] = "notifications.delivery.sent.v1"

    notification_id: str
    channel: str
    user_id: str
    notification_type: str


class DeliveryFailed(Event):
    type: ClassVar[str] = "notifications.delivery.failed.v1"

    notification_id: str
    channel: str
    user_id: str
    notification_type: str
    reason: str


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
