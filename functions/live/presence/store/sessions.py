"""Sessions and seats: each begins and ends once, and lives from beat to beat."""

from collections.abc import Sequence
from typing import Any, Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera.expressions import exists, is_new
from tessera.outbox import Event
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, deleting, putting, telling, updating

from ..rules import MAX_DEVICES, NotYourSession, Session, SessionExpired, StaleClock, TooManyDevices
from .rooms import Changed
from .rows import (
    PresenceSettings,
    SeatRow,
    SessionRow,
    connection_pk,
    connection_sk,
    doc_pk,
    due_of,
    row_of,
    seat_sk,
    seats_of,
    session_of,
    session_sk,
    text_of,
)


class Over(Exception):
    """The session has ended, or is not what was thought of it: whoever wanted to end it has nothing to do."""


class SessionStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(PresenceSettings).table))

    def find(self, doc: str, session_id: str) -> Session | None:
        """1 request of 1 unit."""
        row = self.table.get(SessionRow, doc_pk(doc), session_sk(session_id))
        return session_of(row) if row else None

    def of_room(self, doc: str) -> list[Session]:
        """Everybody, also whose time has run out: 1 request for about 300 with all they may say."""
        sessions = Path("sk").startswith(session_sk(""))
        rows = self.table.query_all(SessionRow, doc_pk(doc), sort=sessions, limit=1_000, consistent=True)
        return [session_of(row) for row in rows]

    def of_connection(self, connection: str) -> list[tuple[str, str]]:
        """The documents and ids of what a socket holds. 1 request."""
        rows = self.table.query(Row, connection_pk(connection), index="gs1", limit=100).rows
        return [(row.pk.partition("#")[2], row.sk.partition("#")[2]) for row in rows]

    def rooms_of(self, user_id: str, at_most: int) -> list[str]:
        """The documents in whose rooms somebody is. 1 request."""
        rows = self.table.query(Row, seats_of(user_id), index="gs1", limit=at_most).rows
        return [row.pk.partition("#")[2] for row in rows]

    def seats(self, doc: str, user_id: str) -> int:
        """How many sessions somebody has in a room. 1 request."""
        row = self.table.get(SeatRow, doc_pk(doc), seat_sk(user_id))
        return int(row.n) if row else 0

    def beginning(self, session: Session, event: Event) -> list[Step]:
        """Steps that begin a session and count it among its user's in the room.

        Raises `TooManyDevices`, and `Changed` when there is one of this id by now.
        """
        user_id = session.person.user_id
        few = Path("n").does_not_exist() | (Path("n") < MAX_DEVICES)
        seat = [Path("n").add(1), Path("gs1_pk").set(seats_of(user_id)), Path("gs1_sk").set(session.doc)]
        return [
            putting(self.table, row_of(session), only_if=is_new(), event=event, refused=_changed),
            updating(
                self.table,
                SeatRow,
                doc_pk(session.doc),
                seat_sk(user_id),
                *seat,
                only_if=few,
                upsert=True,
                bump=False,
                refused=TooManyDevices(f"A user has at most {MAX_DEVICES} sessions in a room. Leave one first."),
            ),
        ]

    def ending(self, session: Session, seats: int, while_true: Condition | None, event: Event) -> list[Step]:
        """Steps that end a session while this holds of it, and count it no more.

        Raises `Over`, and `Changed` when its user has another number of sessions by now.
        """
        doc, user_id = session.doc, session.person.user_id
        is_there = exists() if while_true is None else while_true
        as_read = Path("n") == seats
        if seats > 1:
            less: list[Change] = [Path("n").add(-1)]
            seat = updating(
                self.table, SeatRow, doc_pk(doc), seat_sk(user_id), *less, only_if=as_read, bump=False, refused=_changed
            )
        else:
            seat = deleting(self.table, SeatRow, doc_pk(doc), seat_sk(user_id), only_if=as_read, refused=_changed)
        return [
            deleting(self.table, SessionRow, doc_pk(doc), session_sk(session.id), only_if=is_there, refused=_over),
            seat,
            telling(self.table, event),
        ]

    def beat(
        self, doc: str, session_id: str, user_id: str, *, now_ms: int, ends_ms: int, v: int, more: Sequence[Change]
    ) -> Session:
        """Let a session live on, its clock at `v`. 1 request of 1 unit, 2 more when it ends in another minute.

        Raises `SessionExpired`, `NotYourSession` and `StaleClock`.
        """
        changes = [*self._living(doc, session_id, ends_ms), Path("v").set(v), *more]
        only_if = (Path("user") == user_id) & (Path("exp") > now_ms) & (Path("v") < v)
        key = (doc_pk(doc), session_sk(session_id))
        try:
            return session_of(self.table.update(SessionRow, *key, *changes, only_if=only_if, bump=False))
        except ConditionFailed as failed:
            raise _not_beaten(failed.old, user_id, now_ms) from None

    def renewing(self, before: Session, after: Session) -> Step:
        """A step by which somebody who comes again is who they were. Raises `Changed` when they left meanwhile."""
        changes = [
            *self._living(after.doc, after.id, after.ends_ms),
            *held_by(after.doc, after.id, after.connection),
            Path("meta").set(text_of(after.meta)),
            Path("acting").set(after.person.owner_id),
        ]
        as_read = Path("joined") == before.joined_ms
        return updating(
            self.table,
            SessionRow,
            doc_pk(after.doc),
            session_sk(after.id),
            *changes,
            only_if=as_read,
            bump=False,
            refused=_changed,
        )

    def _living(self, doc: str, session_id: str, ends_ms: int) -> list[Change]:
        due_pk, due_sk = due_of(doc, session_id, ends_ms)
        return [Path("exp").set(ends_ms), Path("due_pk").set(due_pk), Path("due_sk").set(due_sk)]


def held_by(doc: str, session_id: str, connection: str) -> list[Change]:
    """Changes by which a session is this socket's, or no socket's."""
    if not connection:
        return [Path("gs1_pk").remove(), Path("gs1_sk").remove()]
    return [Path("gs1_pk").set(connection_pk(connection)), Path("gs1_sk").set(connection_sk(doc, session_id))]


def kept(state: dict[str, Any] | None) -> Change:
    """The change by which a state is kept; none stands for what is cleared."""
    return Path("state").remove() if state is None else Path("state").set(text_of(state))


def is_silent(now_ms: int) -> Condition:
    return Path("exp") <= now_ms


def is_held_by(connection: str) -> Condition:
    return Path("gs1_pk") == connection_pk(connection)


def _not_beaten(old: SessionRow | None, user_id: str, now_ms: int) -> Exception:
    if old is None:
        return SessionExpired("Join again.")
    if old.user != user_id:
        return NotYourSession("Join to get one of your own.")
    if int(old.exp) <= now_ms:
        return SessionExpired("It was silent for too long. Join again.")
    return StaleClock(f"The clock stands at {int(old.v)}. Send what is newer.", v=int(old.v))


def _changed(_: object = None) -> Changed:
    return Changed()


def _over(_: object = None) -> Over:
    return Over()
