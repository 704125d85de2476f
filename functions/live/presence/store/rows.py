"""The items of the table, and how they become what `rules` knows."""

import json
from typing import Any

from pynamodb.attributes import BooleanAttribute, NumberAttribute, NumberSetAttribute, UnicodeAttribute

from tessera import clock
from tessera.due import DueRow, due_keys
from tessera.settings import Settings
from tessera.tables import Row

from ..rules import Person, Room, Session, Shows, Visibility, Wanted

META, SEEN = "META", "SEEN"
MINUTE_MS = 60_000


class PresenceSettings(Settings):
    table: str
    queue: str = ""


class RoomRow(Row):
    """`gs1` lists the rooms of an owner."""

    owner = UnicodeAttribute()
    max_members = NumberAttribute()
    visibility = UnicodeAttribute()
    ttl_s = NumberAttribute()
    members = UnicodeAttribute(default="[]")
    count = NumberAttribute(default=0)
    colors = NumberSetAttribute(null=True)
    gs1_pk = UnicodeAttribute()
    gs1_sk = UnicodeAttribute()


class SessionRow(DueRow):
    """`exp` and `joined` are milliseconds. `gs1` finds the sessions of a socket."""

    user = UnicodeAttribute()
    acting = UnicodeAttribute()
    client = UnicodeAttribute(default="")
    meta = UnicodeAttribute(default="{}")
    state = UnicodeAttribute(null=True)
    v = NumberAttribute(default=0)
    place = NumberAttribute()
    exp = NumberAttribute()
    joined = NumberAttribute()
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)


class SeatRow(Row):
    """How many sessions somebody has in a room: who takes the last away takes the right to listen with it."""

    n = NumberAttribute(default=0)
    gs1_pk = UnicodeAttribute()
    gs1_sk = UnicodeAttribute()


class SeenRow(Row):
    """`told_at` is when the hub said whether they are connected; `last_seen` is milliseconds."""

    online = BooleanAttribute(default=False)
    told_at = UnicodeAttribute(null=True)
    last_seen = NumberAttribute(null=True)
    devices = NumberAttribute(default=0)
    shows = UnicodeAttribute(default=Shows.EVERYTHING.value)


def doc_pk(doc: str) -> str:
    return f"DOC#{doc}"


def session_sk(session_id: str) -> str:
    return f"S#{session_id}"


def seat_sk(user_id: str) -> str:
    return f"U#{user_id}"


def user_pk(user_id: str) -> str:
    return f"USER#{user_id}"


def seats_of(user_id: str) -> str:
    return f"U#{user_id}"


def rooms_of(owner_id: str) -> str:
    return f"O#{owner_id}"


def connection_pk(connection: str) -> str:
    return f"CONN#{connection}"


def connection_sk(doc: str, session_id: str) -> str:
    return f"{doc}#{session_id}"


def due_of(doc: str, session_id: str, ends_ms: int) -> tuple[str, str]:
    """Where a session waits to be looked at: at the minute in which it ends, whichever second of it that is.

    So a beat changes the index only where it changes that minute.
    """
    minute = clock.from_millis(ends_ms // MINUTE_MS * MINUTE_MS)
    return due_keys(minute, connection_sk(doc, session_id))


def members_text(wanted: Wanted) -> str:
    return json.dumps(sorted(wanted.member_ids))


def text_of(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def room_of(row: RoomRow) -> Room:
    wanted = Wanted(
        int(row.max_members), Visibility(row.visibility), int(row.ttl_s), frozenset(json.loads(row.members))
    )
    colors = frozenset(int(place) for place in row.colors or ())
    return Room(row.pk.partition("#")[2], row.owner, wanted, int(row.count), colors, int(row.version))


def session_of(row: SessionRow) -> Session:
    return Session(
        id=row.sk.partition("#")[2],
        doc=row.pk.partition("#")[2],
        person=Person(row.user, row.acting),
        client=row.client,
        connection=(row.gs1_pk or "").partition("#")[2],
        meta=json.loads(row.meta),
        state=json.loads(row.state) if row.state else None,
        v=int(row.v),
        place=int(row.place),
        joined_ms=int(row.joined),
        ends_ms=int(row.exp),
    )


def row_of(session: Session) -> SessionRow:
    due_pk, due_sk = due_of(session.doc, session.id, session.ends_ms)
    return SessionRow(
        pk=doc_pk(session.doc),
        sk=session_sk(session.id),
        user=session.person.user_id,
        acting=session.person.owner_id,
        client=session.client,
        meta=text_of(session.meta),
        state=text_of(session.state) if session.state is not None else None,
        v=session.v,
        place=session.place,
        exp=session.ends_ms,
        joined=session.joined_ms,
        due_pk=due_pk,
        due_sk=due_sk,
        gs1_pk=connection_pk(session.connection) if session.connection else None,
        gs1_sk=connection_sk(session.doc, session.id) if session.connection else None,
    )
