"""One session at a time: read, kept alive, given another secret."""

from typing import Any, Self

from tessera import clock
from tessera.outbox import Event
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import putting, transact, updating

from ..config import SessionSettings
from ..rules import Session, SessionOver, SessionReplaced
from .rows import (
    MAIN,
    OfUserRow,
    SessionRow,
    place_sk,
    replaced_row,
    row_of,
    session_of,
    session_pk,
    ttl_of,
    user_pk,
)
from .standing import Place, standing_of


class SessionStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(SessionSettings).table))

    def get(self, secret_hash: str) -> Session:
        """1 consistent read. Raises `SessionOver`, whatever the reason, and `SessionReplaced`."""
        row = self.table.get(SessionRow, session_pk(secret_hash), MAIN)
        if row is None or row.replaced:
            raise _gone(row)
        session = session_of(row)
        if not session.is_live(clock.millis()):
            raise SessionOver()
        return session

    def locate(self, secret_hash: str) -> Place | None:
        """Where the session of this secret stands, also when it has another one by now. 1 read, or 2."""
        row = self.table.get(SessionRow, session_pk(secret_hash), MAIN)
        if row is None:
            return None
        return self.place(row.uid, row.id) if row.replaced else Place(row.uid, row.id, secret_hash)

    def place(self, user_id: str, session_id: str) -> Place | None:
        """1 read."""
        row = self.table.get(OfUserRow, user_pk(user_id), place_sk(session_id))
        return Place(user_id, session_id, row.h) if row is not None and row.h is not None else None

    def listed(self, user_id: str) -> list[Session]:
        """What is live, newest first: there are never many. 2 requests."""
        live = standing_of(self.table, user_id).live
        return [live[session_id] for session_id in sorted(live, reverse=True)]

    def keep_alive(self, secret_hash: str) -> Session:
        """Another while without a new sign-in: 1 write, and the session comes back.

        The condition is the check: whoever ended it first has won. Raises `SessionOver`, `SessionReplaced`.
        """
        now = clock.millis()
        try:
            row = self.table.update(
                SessionRow,
                session_pk(secret_hash),
                MAIN,
                SessionRow.seen.set(now),
                SessionRow.idle_exp.set(SessionRow.idle_life + now),
                only_if=(SessionRow.idle_exp > now) & (SessionRow.abs_exp > now),
                bump=False,
            )
        except ConditionFailed as failed:
            raise _gone(failed.old) from None
        return session_of(row)

    def keep_user(self, session: Session, user: dict[str, Any]) -> None:
        """Show the user as they are by now. 1 write; nothing when the session ended meanwhile."""
        try:
            self.table.update(
                SessionRow,
                session_pk(session.hash),
                MAIN,
                SessionRow.user.set(user),
                only_if=SessionRow.idle_exp.exists(),
                bump=False,
            )
        except ConditionFailed:
            return

    def replace(self, before: Session, after: Session, *, event: Event | None = None) -> None:
        """Give the session another secret: the old one is worth nothing from here on. 1 transaction.

        Raises `SessionOver`, `SessionReplaced` when somebody else was first.
        """
        old = replaced_row(before.hash, before.user_id, before.id)
        transact(
            putting(self.table, old, only_if=SessionRow.idle_exp.exists(), refused=_gone),
            putting(self.table, row_of(after), event=event),
            updating(
                self.table,
                OfUserRow,
                user_pk(after.user_id),
                place_sk(after.id),
                OfUserRow.h.set(after.hash),
                OfUserRow.ttl.set(ttl_of(after)),
                refused=SessionOver(),
                bump=False,
            ),
        )


def _gone(old: SessionRow | None) -> Exception:
    return SessionReplaced() if old is not None and old.replaced else SessionOver()
