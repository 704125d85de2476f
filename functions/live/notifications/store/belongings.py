"""What somebody has here, as the export of their account shows it."""

from collections.abc import Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, fields, parsed
from tessera.tables import Table

from .rows import (
    ARCHIVE,
    COUNTS,
    HIDDEN,
    INBOX,
    PHONE,
    PREFERENCES,
    DeliveryRow,
    DeviceRow,
    FeedRow,
    PersonRow,
    PhoneRow,
    PreferenceRow,
    SubscriberRow,
    user_pk,
)


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    user_id, pk = asked.owner_id, user_pk(asked.owner_id)
    told = fields("id", "type", "title", "body", "link", "read", "created_at")
    sent = fields("id", "channel", "type", "state", "reason", "created_at")
    return (
        Part("reading", PersonRow, pk, fields("unread", "seen_id", "read_before", "locale"), begins=COUNTS),
        Part("preferences", PreferenceRow, pk, fields(chosen=parsed("chosen")), begins=PREFERENCES),
        Part("phone", PhoneRow, pk, fields("number"), begins=PHONE),
        Part("device", DeviceRow, pk, fields("platform", "name", "created_at"), begins="DEV#"),
        *(Part("notification", FeedRow, pk, told, begins=place) for place in (INBOX, ARCHIVE, HIDDEN)),
        Part("topic", SubscriberRow, f"TOPICS#{user_id}", fields(topic="gs1_sk"), index="gs1"),
        Part("delivery", DeliveryRow, f"DU#{user_id}", sent, index="gs1"),
    )
