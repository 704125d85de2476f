"""Invitations: an address and the roles that its owner will have, once."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.auth.mac import Mac
from tessera.idempotency import Intent, create
from tessera.outbox import Event
from tessera.problems import NotFound
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Key, Table
from tessera.transact import MAX_ACTIONS, deleting, telling, transact, updating

from ..config import AdminSettings
from ..rules import InvitationExpired, InvitationUsed
from .rows import INVITATIONS, MAIN, InvitationRow, expires_in, invitation_pk, invited_pk

PURPOSE = "admin-invitation"
KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Invitation:
    id: str
    email: str
    roles: frozenset[str]
    state: str
    by: str
    created_at: datetime
    expires_at: datetime
    claimed_by: str | None = None
    accepted_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.state in ("accepted", "cancelled") or self.expires_at <= clock.now()


class InvitationStore:
    def __init__(self, table: Table, mac: Mac, *, life: timedelta) -> None:
        self.table, self._mac, self._life = table, mac, life

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(AdminSettings)
        return cls(Table(settings.table), bindings.get(Mac), life=timedelta(days=settings.invitation_days))

    def secret_of(self, invitation_id: str) -> str:
        """What only the mail says: a code that nobody can make of the id, so that a create asked twice is one."""
        code = self._mac(f"{PURPOSE}-token").sign(invitation_id.encode())
        return base64.urlsafe_b64encode(code).rstrip(b"=").decode()

    def create(
        self, token: str, email: str, roles: frozenset[str], *, by: str, intent: Intent, events: Sequence[Event]
    ) -> tuple[Invitation, bool]:
        """The invitation, and whether an earlier request made it. 1 transaction. The token is kept nowhere.

        Raises `IdempotencyMismatch`, `InvalidRequest`.
        """
        now = clock.millis()
        row = InvitationRow(
            pk=self._pk(token),
            sk=MAIN,
            invitation_id=intent.id,
            email=email,
            roles=set(roles),
            by=by,
            created=now,
            expires=now + int(self._life.total_seconds() * 1000),
            ttl=expires_in(self._life + KEPT),
            gs1_pk=INVITATIONS,
            gs1_sk=intent.id,
            gs2_pk=invited_pk(email),
            gs2_sk=intent.id,
        )
        first, *others = events
        made = create(self.table, row, intent, *(telling(self.table, more) for more in others), event=first)
        return _invitation(made.row), made.replayed

    def page(self, limit: int, after: Key | None) -> tuple[list[Invitation], Key | None]:
        """The newest first. 1 query."""
        page = self.table.query(InvitationRow, INVITATIONS, index="gs1", limit=limit, after=after, newest_first=True)
        return [_invitation(row) for row in page.rows], page.next

    def by_token(self, token: str) -> Invitation:
        """1 read. Raises `NotFound` for a token that is none of ours."""
        row = self.table.get(InvitationRow, self._pk(token), MAIN)
        if row is None:
            raise NotFound("There is no such invitation.")
        return _invitation(row)

    def cancel(self, invitation_id: str, event: Event) -> None:
        """2 requests. Raises `NotFound`, `InvitationUsed`."""
        row = self._by_id(invitation_id)
        try:
            self.table.update(
                InvitationRow,
                row.pk,
                row.sk,
                InvitationRow.state.set("cancelled"),
                only_if=InvitationRow.state == "open",
                event=event,
            )
        except ConditionFailed:
            raise InvitationUsed("It was accepted or withdrawn already.") from None

    def claim(self, token: str, user_id: str) -> Invitation:
        """From now on only this user can accept it; they may do so again if the rest goes wrong. 1 write.

        Raises `NotFound`, `InvitationUsed`, `InvitationExpired`.
        """
        mine = (InvitationRow.state == "accepting") & (InvitationRow.claimed_by == user_id)
        unused = (InvitationRow.state == "open") | mine
        try:
            row = self.table.update(
                InvitationRow,
                self._pk(token),
                MAIN,
                InvitationRow.state.set("accepting"),
                InvitationRow.claimed_by.set(user_id),
                only_if=unused & (InvitationRow.expires > clock.millis()),
            )
        except ConditionFailed as failed:
            raise _refusal(failed.old) from None
        return _invitation(row)

    def finish(self, token: str, user_id: str, *events: Event) -> Invitation:
        """The roles are given: the invitation is used. 1 transaction. Raises `InvitationUsed` for a second one."""
        first, *others = events
        claimed = (InvitationRow.state == "accepting") & (InvitationRow.claimed_by == user_id)
        transact(
            updating(
                self.table,
                InvitationRow,
                self._pk(token),
                MAIN,
                InvitationRow.state.set("accepted"),
                InvitationRow.accepted_at.set(clock.millis()),
                only_if=claimed,
                event=first,
                refused=InvitationUsed(),
            ),
            *(telling(self.table, more) for more in others),
        )
        return self.by_token(token)

    def forget(self, address: str) -> int:
        """Delete some of the invitations to an address, and say how many. 1 query, 1 transaction when there are any."""
        rows = self.table.query(InvitationRow, invited_pk(address), index="gs2", limit=MAX_ACTIONS).rows
        if rows:
            transact(*(deleting(self.table, InvitationRow, row.pk, row.sk) for row in rows))
        return len(rows)

    def _by_id(self, invitation_id: str) -> InvitationRow:
        found = self.table.query(
            InvitationRow, INVITATIONS, index="gs1", sort=Path("gs1_sk") == invitation_id, limit=1
        ).rows
        if not found:
            raise NotFound("There is no such invitation.")
        return found[0]

    def _pk(self, token: str) -> str:
        return invitation_pk(self._mac.hash_lookup(PURPOSE, token))


def _refusal(old: InvitationRow | None) -> Exception:
    if old is None or old.state == "cancelled":
        return NotFound("There is no such invitation.")
    if old.state == "accepted" or old.claimed_by is not None:
        return InvitationUsed()
    return InvitationExpired()


def _invitation(row: InvitationRow) -> Invitation:
    return Invitation(
        id=row.invitation_id,
        email=row.email,
        roles=frozenset(row.roles),
        state=row.state,
        by=row.by,
        created_at=clock.from_millis(int(row.created)),
        expires_at=clock.from_millis(int(row.expires)),
        claimed_by=row.claimed_by,
        accepted_at=clock.from_millis(int(row.accepted_at)) if row.accepted_at else None,
    )
