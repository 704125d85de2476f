"""Who of the staff acts in whose place, until when, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from tessera import clock
from tessera.auth.feed import Feed
from tessera.expressions import is_new
from tessera.outbox import Event
from tessera.problems import NotFound
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.transact import putting, telling, transact, updating

from ..config import AdminSettings
from ..rules import ImpersonationOver
from .rows import MAIN, ImpersonationRow, impersonation_pk

# For whoever asks later who it was; the audit log keeps it for good.
KEPT = timedelta(days=400)


@dataclass(frozen=True)
class Impersonation:
    """`id` is also the session of its token."""

    id: str
    user_id: str
    actor_id: str
    actor_sid: str
    reason: str
    may_write: bool
    state: str
    started_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None


class ImpersonationStore:
    def __init__(self, table: Table, feed: Feed) -> None:
        self.table, self.feed = table, feed

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AdminSettings).table), bindings.get(Feed))

    def start(self, made: Impersonation, events: Sequence[Event]) -> None:
        """1 transaction, before there is a token: nobody acts for anybody without it being on record."""
        row = ImpersonationRow(
            pk=impersonation_pk(made.id),
            sk=MAIN,
            impersonation_id=made.id,
            user_id=made.user_id,
            actor_id=made.actor_id,
            actor_sid=made.actor_sid,
            reason=made.reason,
            may_write=int(made.may_write),
            started=int(made.started_at.timestamp() * 1000),
            ends=int(made.ends_at.timestamp() * 1000),
            ttl=int((made.ends_at + KEPT).timestamp()),
        )
        row.wait_until(made.ends_at, made.id)
        first, *others = events
        transact(
            putting(self.table, row, only_if=is_new(), event=first), *(telling(self.table, more) for more in others)
        )

    def get(self, impersonation_id: str) -> Impersonation:
        """1 read. Raises `NotFound`."""
        row = self.table.get(ImpersonationRow, impersonation_pk(impersonation_id), MAIN)
        if row is None:
            raise NotFound("There is no such impersonation.")
        return _impersonation(row)

    def end(self, impersonation_id: str, events: Sequence[Event], *, due_pk: str | None = None) -> None:
        """End it once; its token is refused within 15 seconds. 1 transaction. Raises `ImpersonationOver`.

        `due_pk` is the due time that somebody was woken for; another one means that they came for nothing.
        """
        # What has ended is due no more.
        is_on = ImpersonationRow.state == "active" if due_pk is None else ImpersonationRow.due_pk == due_pk
        first, *others = events
        transact(
            updating(
                self.table,
                ImpersonationRow,
                impersonation_pk(impersonation_id),
                MAIN,
                ImpersonationRow.state.set("ended"),
                ImpersonationRow.ended_at.set(clock.millis()),
                ImpersonationRow.due_pk.remove(),
                ImpersonationRow.due_sk.remove(),
                only_if=is_on,
                event=first,
                refused=ImpersonationOver(),
            ),
            self.feed.revoke("s", impersonation_id),
            *(telling(self.table, more) for more in others),
        )


def _impersonation(row: ImpersonationRow) -> Impersonation:
    return Impersonation(
        id=row.impersonation_id,
        user_id=row.user_id,
        actor_id=row.actor_id,
        actor_sid=row.actor_sid,
        reason=row.reason,
        may_write=bool(row.may_write),
        state=row.state,
        started_at=clock.from_millis(int(row.started)),
        ends_at=clock.from_millis(int(row.ends)),
        ended_at=clock.from_millis(int(row.ended_at)) if row.ended_at else None,
    )
