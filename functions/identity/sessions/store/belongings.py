"""Where somebody is signed in with cookies, as the export of their account shows it."""

from collections.abc import Iterable, Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, Shown, fields, instant
from tessera.tables import Table

from .rows import MAIN, OfUserRow, SessionRow, place_sk, session_pk, user_pk

_shown_session = fields(
    *("id", "device", "client_id", "amr"),
    place="ip_trunc",
    signed_in_at=instant("created"),
    last_seen_at=instant("seen"),
    expires_at=instant("abs_exp"),
)


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    def sessions(found: Sequence[OfUserRow]) -> Iterable[Shown]:
        return _shown_session(table.get_many(SessionRow, [(session_pk(str(row.h)), MAIN) for row in found]))

    return (Part("session", OfUserRow, user_pk(asked.owner_id), sessions, begins=place_sk("")),)
