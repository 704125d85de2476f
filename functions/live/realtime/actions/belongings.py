"""What somebody has in the hub, as the export of their account shows it."""

from collections.abc import Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, fields, instant, parsed
from tessera.live import user_topic
from tessera.seqlog import EntryRow, key_of
from tessera.tables import Table

from ..store.rows import MAIN, ConnectionRow, OnlineRow, online_key, user_key


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    user_id = asked.owner_id
    socket = fields("connection", "address", "state", since=instant("born"))
    news = fields("offset", data=parsed("data"), at=instant("at"))
    return (
        Part("connection", ConnectionRow, user_key(user_id), socket, index="gs1"),
        Part("online", OnlineRow, online_key(user_id), fields("online", since=instant("since")), begins=MAIN),
        Part("news", EntryRow, key_of(user_topic(user_id)), news, begins="E#"),
    )
