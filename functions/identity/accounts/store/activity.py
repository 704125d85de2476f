"""What happened to an account, for its owner to look at.

Every audit entry about a user is an item of that user's own partition: the item that carries the event to the
audit log is the very one the list is read from. So the list costs no write of its own, and is never late.
"""

from typing import Literal, Self

from pynamodb.expressions.operand import Path

from tessera import ids, transact
from tessera.auth.audit import EntryRecorded
from tessera.outbox import Event
from tessera.settings import Bindings
from tessera.tables import Key, Page, Table
from tessera.transact import Step, putting

from ..config import AccountSettings
from ..rules import ACTIVITY_KEPT
from .life_rows import ACTIVITY, ActivityRow, activity_sk
from .rows import expires_in, user_pk


class ActivityStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AccountSettings).table))

    def page(self, user_id: str, *, limit: int, after: Key | None) -> Page[ActivityRow]:
        """The newest first. 1 query."""
        entries = Path("sk").startswith(ACTIVITY)
        return self.table.query(
            ActivityRow, user_pk(user_id), sort=entries, limit=limit, after=after, newest_first=True, consistent=True
        )


def telling(table: Table, event: Event) -> Step:
    """The second event of a change, on an item of its own; an audit entry's is what its user sees of it."""
    row = _row(event) if isinstance(event, EntryRecorded) else None
    return putting(table, row, event=event) if row is not None else transact.telling(table, event)


def riding(table: Table, event: Event) -> tuple[Event | None, list[Step]]:
    """Where the first event of a change goes: onto the changed item, an audit entry onto its own."""
    row = _row(event) if isinstance(event, EntryRecorded) else None
    return (None, [putting(table, row, event=event)]) if row is not None else (event, [])


def _row(entry: EntryRecorded) -> ActivityRow | None:
    user_id = _about(entry)
    if user_id is None:
        return None
    return ActivityRow(
        pk=user_pk(user_id),
        sk=activity_sk(entry.id),
        action=entry.action.partition(".")[2] or entry.action,
        at=entry.occurred_at,
        by=_by(entry, user_id),
        place=entry.actor.net,
        session_id=entry.actor.sid,
        detail=entry.detail or None,
        ttl=expires_in(ACTIVITY_KEPT),
    )


def _about(entry: EntryRecorded) -> str | None:
    """Whose account it happened to: the target's, and where the target is no user, the actor's own."""
    kind, found = (entry.target.type, entry.target.id) if entry.target.type == "user" else _actor(entry)
    return found if kind == "user" and ids.is_ulid(found) else None


def _actor(entry: EntryRecorded) -> tuple[str, str]:
    return (entry.actor.kind, entry.on_behalf_of or entry.actor.id)


def _by(entry: EntryRecorded, user_id: str) -> Literal["you", "staff", "system"]:
    if entry.actor.id == user_id:
        return "you"
    return "staff" if entry.actor.kind == "user" else "system"
