"""Sessions end: one, all of a user, or whatever of a user is kept."""

from collections.abc import Set
from typing import Self

from tessera.auth.feed import Feed
from tessera.expressions import is_new
from tessera.outbox import Event
from tessera.problems import Busy
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, deleting, telling, transact

from ..config import SessionSettings
from ..events import DataErased, SessionEnded
from .rows import HEAD, OfUserRow, over_row, place_sk, user_pk
from .sessions import SessionStore
from .standing import TRIES, Changed, Place, Standing, as_seen, heading, standing_of, taking_away


class Endings:
    def __init__(self, table: Table, feed: Feed, sessions: SessionStore) -> None:
        self.table, self.feed, self.sessions = table, feed, sessions

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(SessionSettings).table), bindings.get(Feed), bindings.get(SessionStore))

    def end(self, place: Place, *, reason: str, told: Event | None = None) -> bool:
        """End one session: 1 transaction. False when somebody else was first. Raises `Busy`."""
        found: Place | None = place
        for _ in range(TRIES):
            if found is None:
                return False
            ended = SessionEnded(user_id=found.user_id, session_id=found.session_id, reason=reason)
            leaves = OfUserRow.open.delete({found.session_id})
            try:
                transact(
                    *taking_away(self.table, self.feed, found),
                    heading(self.table, found.user_id, leaves, event=ended),
                    *([telling(self.table, told)] if told is not None else []),
                )
            except Changed:
                # It may have got another secret meanwhile, which changes nothing of what is wanted.
                found = self.sessions.place(found.user_id, found.session_id)
            else:
                return True
        raise Busy()

    def end_to_come(self, user_id: str, session_id: str, *, reason: str, told: Event) -> None:
        """End a session also when it has not begun yet: from here on it cannot. 1 write, or a transaction besides."""
        try:
            self.table.put(over_row(user_id, session_id), only_if=is_new())
        except ConditionFailed as begun:
            if begun.old.h is not None:
                self.end(Place(user_id, session_id, begun.old.h), reason=reason, told=told)

    def end_all(
        self,
        user_id: str,
        *,
        reason: str,
        keep: str | None = None,
        proved_before: int | None = None,
        told: Event | None = None,
    ) -> int:
        """End every session of a user but `keep`, in 1 transaction after 2 reads; how many there were comes back.

        With `proved_before`, in milliseconds, one whose user has shown who they are since then goes on.
        Raises `Busy`.
        """
        for _ in range(TRIES):
            standing = standing_of(self.table, user_id)
            spared = {
                session_id
                for session_id, session in standing.live.items()
                if session_id == keep or (proved_before is not None and session.proved >= proved_before)
            }
            gone = (standing.open_ids | standing.hashes.keys()) - spared
            if not gone:
                return 0
            try:
                transact(*self._ending_all(standing, gone, reason, told))
            except Changed:
                continue
            return len(gone & standing.live.keys())
        raise Busy()

    def erase(self, user_id: str) -> int:
        """End what there is and keep nothing of the user; the proof is told. How many ended comes back."""
        ended = self.end_all(user_id, reason="erased")
        for over in self.table.query_all(OfUserRow, user_pk(user_id), sort=OfUserRow.sk.startswith(place_sk(""))):
            self.table.delete(OfUserRow, over.pk, over.sk)
        transact(
            deleting(self.table, OfUserRow, user_pk(user_id), HEAD),
            telling(self.table, DataErased(owner_id=user_id, capability="sessions")),
        )
        return ended

    def _ending_all(self, standing: Standing, gone: Set[str], reason: str, told: Event | None) -> list[Step]:
        steps: list[Step] = []
        for session_id in sorted(gone & standing.hashes.keys()):
            steps += taking_away(self.table, self.feed, standing.place(session_id))
        for session_id in sorted(gone & standing.live.keys()):
            ended = SessionEnded(user_id=standing.user_id, session_id=session_id, reason=reason)
            steps.append(telling(self.table, ended))
        kept = set(standing.open_ids - gone)
        still = OfUserRow.open.set(kept) if kept else OfUserRow.open.remove()
        seen = as_seen(standing)
        return [*steps, heading(self.table, standing.user_id, still, only_if=seen, event=told, refused=Changed())]
