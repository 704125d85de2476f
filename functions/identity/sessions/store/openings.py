"""Sessions begin: never more of a user than are allowed, whoever signs in at the same moment."""

import random
import time
from typing import Any, Self

from pynamodb.expressions.condition import size

from tessera import clock
from tessera.auth.feed import Feed
from tessera.expressions import is_new
from tessera.outbox import Event
from tessera.problems import Busy
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.transact import Step, putting, telling, transact

from ..config import SessionSettings
from ..events import SessionEnded
from ..rules import LoginFailed, Session, leaving
from .rows import OfUserRow, place_of, row_of
from .sessions import SessionStore
from .standing import TRIES, Changed, Place, Standing, as_seen, heading, standing_of, taking_away

LONGEST_PAUSE_SECONDS = 0.02
# PynamoDB gives it no types.
_size: Any = size


class Full(Exception):
    """The user has as many sessions as are allowed."""


class Openings:
    def __init__(self, table: Table, feed: Feed, sessions: SessionStore, *, at_most: int, longest_ms: int) -> None:
        self.table, self.feed, self.sessions = table, feed, sessions
        self._at_most, self._longest_ms = at_most, longest_ms

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(SessionSettings)
        return cls(
            Table(settings.table),
            bindings.get(Feed),
            bindings.get(SessionStore),
            at_most=settings.max_sessions,
            longest_ms=settings.longest_ms,
        )

    def open(self, new: Session, *, event: Event, told: Event, presented: str) -> None:
        """Begin a session: 1 transaction of 3 items. With as many as are allowed, 2 reads more, and the oldest ends.

        `presented` is the hash of the secret that came with the sign-in: that session ends in the same
        transaction, and is never gone on with. Raises `Busy`, and `LoginFailed` for one that was over
        before it began.
        """
        left = self.sessions.locate(presented) if presented else None
        is_full = False
        for attempt in range(TRIES):
            reads = is_full or (left is not None and left.user_id == new.user_id)
            standing = standing_of(self.table, new.user_id) if reads else None
            try:
                transact(*self._steps(new, standing, left, event=event, told=told))
            except Full:
                is_full = True
            except Changed:
                left = self.sessions.place(left.user_id, left.session_id) if left else None
                # Two sign-ins of one user at once: the other is done in milliseconds, and the browser waits anyway.
                time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS * min(attempt, 5)))
            else:
                return
        raise Busy()

    def _steps(
        self, new: Session, standing: Standing | None, left: Place | None, *, event: Event, told: Event
    ) -> list[Step]:
        place = putting(self.table, place_of(new), event=told, only_if=is_new(), refused=LoginFailed())
        steps = [putting(self.table, row_of(new), event=event), place]
        if left is not None:
            steps += self._ending(left, "signed in again", leaves_trace=True)
            if left.user_id != new.user_id:
                steps.append(heading(self.table, left.user_id, OfUserRow.open.delete({left.session_id})))
        kept_until = OfUserRow.ttl.set((clock.millis() + self._longest_ms) // 1000)
        if standing is None:
            room = OfUserRow.open.does_not_exist() | (_size(OfUserRow.open) < self._at_most)
            added = OfUserRow.open.add({new.id})
            return [*steps, heading(self.table, new.user_id, added, kept_until, only_if=room, refused=Full())]
        gone = self._leaving(standing, left)
        for session_id in sorted(gone & standing.hashes.keys() - {left.session_id if left else ""}):
            steps += self._ending(standing.place(session_id), "too many sessions")
        still = OfUserRow.open.set(set(standing.open_ids - gone | {new.id}))
        seen = as_seen(standing)
        return [*steps, heading(self.table, new.user_id, still, kept_until, only_if=seen, refused=Changed())]

    def _leaving(self, standing: Standing, left: Place | None) -> frozenset[str]:
        mine = {left.session_id} if left is not None and left.user_id == standing.user_id else set[str]()
        return leaving(standing.open_ids - mine, frozenset(standing.live) - mine, at_most=self._at_most) | mine

    def _ending(self, place: Place, reason: str, *, leaves_trace: bool = False) -> list[Step]:
        ended = SessionEnded(user_id=place.user_id, session_id=place.session_id, reason=reason)
        return [
            *taking_away(self.table, self.feed, place, leaves_trace=leaves_trace),
            telling(self.table, ended),
        ]
