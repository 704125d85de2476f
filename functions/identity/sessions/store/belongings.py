"""Where somebody is signed in with cookies, as the export of their account shows it."""

from collections.abc import Sequence
from typing import Any

from tessera.belongings import ExportIn, Part, behind, fields, instant
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
    sessions = behind(table, SessionRow, lambda row: (session_pk(str(row.h)), MAIN), _shown_session)
    return (Part("session", OfUserRow, user_pk(asked.owner_id), sessions, begins=place_sk("")),)
