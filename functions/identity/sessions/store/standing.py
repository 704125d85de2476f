"""Everything that stands under one user, and the writes that take a session away from there."""

from collections.abc import Sequence
from dataclasses import dataclass

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.auth.feed import Feed
from tessera.outbox import Event
from tessera.tables import Table
from tessera.transact import Step, deleting, putting, updating

from ..rules import Session
from .rows import HEAD, MAIN, OfUserRow, SessionRow, place_sk, replaced_row, session_of, session_pk, user_pk

# A user signs in and out in many tabs at once: each loser reads again, and one of them wins each time.
TRIES = 25


class Changed(Exception):
    """Somebody signed in or out meanwhile: read again."""


@dataclass(frozen=True)
class Place:
    """Where one session stands."""

    user_id: str
    session_id: str
    hash: str


@dataclass(frozen=True)
class Standing:
    """The sessions of a user by id. `hashes` are those that have an entry, `sessions` those that exist."""

    user_id: str
    open_ids: frozenset[str]
    hashes: dict[str, str]
    sessions: dict[str, Session]

    @property
    def live(self) -> dict[str, Session]:
        now = clock.millis()
        return {session_id: session for session_id, session in self.sessions.items() if session.is_live(now)}

    def place(self, session_id: str) -> Place:
        return Place(self.user_id, session_id, self.hashes[session_id])


def standing_of(table: Table, user_id: str) -> Standing:
    """2 requests, 1 when there is nothing."""
    rows = list(table.query_all(OfUserRow, user_pk(user_id), consistent=True))
    open_ids = next((row.open_ids for row in rows if row.sk == HEAD), frozenset[str]())
    hashes = {row.sk.removeprefix("S#"): row.h for row in rows if row.h is not None}
    found = table.get_many(SessionRow, [(session_pk(kept), MAIN) for kept in hashes.values()], consistent=True)
    sessions = {row.id: session_of(row) for row in found if not row.replaced}
    return Standing(user_id, open_ids, hashes, sessions)


def as_seen(standing: Standing) -> Condition:
    """Nobody signed in or out since this was read."""
    seen: Condition = OfUserRow.open == set(standing.open_ids) if standing.open_ids else OfUserRow.open.does_not_exist()
    return seen


def heading(
    table: Table,
    user_id: str,
    *changes: Change,
    only_if: Condition | None = None,
    event: Event | None = None,
    refused: Exception | None = None,
) -> Step:
    """A change of the user's `HEAD`, which is made when it is not there."""
    return updating(
        table,
        OfUserRow,
        user_pk(user_id),
        HEAD,
        *changes,
        only_if=only_if,
        event=event,
        refused=refused,
        upsert=True,
        bump=False,
    )


def taking_away(table: Table, feed: Feed, place: Place, *, leaves_trace: bool = False) -> Sequence[Step]:
    """The session's items go, and the feed speaks against its access tokens. Raises `Changed` when it has moved.

    With a trace, a request under way with its cookie is told to ask again with the newer one.
    """
    trace = replaced_row(place.hash, place.user_id, place.session_id)
    pk, sk = user_pk(place.user_id), place_sk(place.session_id)
    return [
        putting(table, trace) if leaves_trace else deleting(table, SessionRow, session_pk(place.hash), MAIN),
        deleting(table, OfUserRow, pk, sk, only_if=OfUserRow.h == place.hash, refused=Changed()),
        feed.revoke("s", place.session_id),
    ]
