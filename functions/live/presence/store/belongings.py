"""What somebody has here, as the export of their account shows it."""

from collections.abc import Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, after_hash, behind, fields, instant, parsed
from tessera.tables import Row, Table

from .rows import META, SEEN, RoomRow, SeenRow, rooms_of, seats_of, user_pk

_shown_room = fields(*("max_members", "visibility", "ttl_s"), doc=after_hash("pk"), member_ids=parsed("members"))


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    user_id = asked.owner_id

    # The index holds the keys alone.
    rooms = behind(table, RoomRow, lambda row: (row.pk, META), _shown_room)
    seen = fields("shows", last_seen=instant("last_seen"))
    return (
        Part("seen", SeenRow, user_pk(user_id), seen, begins=SEEN),
        Part("room", Row, rooms_of(user_id), rooms, index="gs1"),
        Part("inside", Row, seats_of(user_id), fields(doc=after_hash("pk")), index="gs1"),
    )
