"""Invitations: open until they are accepted, taken back or too old, and then a trace that says so."""

from datetime import timedelta

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.due import due_keys
from tessera.expressions import all_of, is_free
from tessera.idempotency import Created, Intent, create, gone_row
from tessera.outbox import Event
from tessera.tables import ConditionFailed
from tessera.transact import Step, deleting, putting, updating

from ..rules.organisation import CLOSED_KEPT, INVITATION_LIFE, AlreadyInvited, Invitation
from .organisations import Moved
from .rows import AddressRow, ClosedRow, InvitationRow, Stored, invitation_of, organisation_pk


class Closed(Exception):
    """The invitation is not open any more, or was sent again since it was read."""


class InvitationStore(Stored):
    def find(self, organisation_id: str, invitation_id: str) -> Invitation | None:
        """An open one. 1 read unit."""
        row = self.table.get(InvitationRow, organisation_pk(organisation_id), open_sk(invitation_id))
        return invitation_of(row) if row else None

    def closed(self, organisation_id: str, invitation_id: str) -> tuple[str, str] | None:
        """How a closed one ended, and the MAC of its address. 1 read unit."""
        row = self.table.get(ClosedRow, organisation_pk(organisation_id), closed_sk(invitation_id))
        return (row.state, row.address) if row else None

    def page(self, organisation_id: str, limit: int, after: str | None) -> tuple[list[Invitation], str | None]:
        """Open ones, the newest first, and the id after which the next page starts. 1 request."""
        pk = organisation_pk(organisation_id)
        start = {"pk": pk, "sk": open_sk(after)} if after else None
        begins = Path("sk").startswith("I#")
        page = self.table.query(
            InvitationRow, pk, sort=begins, limit=limit, after=start, newest_first=True, consistent=True
        )
        return [invitation_of(row) for row in page.rows], page.next["sk"].partition("#")[2] if page.next else None

    def create(self, new: Invitation, intent: Intent, *more: Step, event: Event) -> Created[InvitationRow]:
        """1 transaction. Raises `AlreadyInvited`, `IdempotencyMismatch`, `Gone`, and what `more` raises."""
        row = InvitationRow(
            pk=organisation_pk(new.organisation_id),
            sk=open_sk(new.id),
            email=new.email,
            address=new.address,
            role=new.role,
            invited_by=new.invited_by,
            created_at=clock.rfc3339(new.created_at),
            expires_at=clock.rfc3339(new.expires_at),
        )
        row.wait_until(new.expires_at, new.id)
        return create(self.table, row, intent, *more, event=event)

    def holding_address(self, new: Invitation) -> Step:
        """One open invitation an address: a second one is refused, unless the first is past its time."""
        row = AddressRow(pk=organisation_pk(new.organisation_id), sk=address_sk(new.address), invitation_id=new.id)
        row.ttl = int(new.expires_at.timestamp())
        mine = Path("invitation_id") == new.id
        return putting(self.table, row, only_if=is_free() | mine, refused=AlreadyInvited)

    def sending_again(self, seen: Invitation, event: Event) -> list[Step]:
        """Another seven days, and a link of their own.

        Raises `Moved` when it is not open as it was `seen`, and `AlreadyInvited` when it was past its time and the
        address was invited anew.
        """
        expires_at = clock.now() + INVITATION_LIFE
        due_pk, due_sk = due_keys(expires_at, seen.id)
        changes: list[Change] = [
            InvitationRow.sends.set(seen.sends + 1),
            InvitationRow.expires_at.set(clock.rfc3339(expires_at)),
            InvitationRow.due_pk.set(due_pk),
            InvitationRow.due_sk.set(due_sk),
        ]
        ttl = AddressRow.ttl.set(int(expires_at.timestamp()))
        pk = organisation_pk(seen.organisation_id)
        return [
            updating(
                self.table,
                InvitationRow,
                pk,
                open_sk(seen.id),
                *changes,
                only_if=_is_open(seen.sends),
                event=event,
                refused=lambda old: Moved(),
            ),
            # The row of the address may be gone with its time; the invitation is the one that decides.
            updating(
                self.table,
                AddressRow,
                pk,
                address_sk(seen.address),
                ttl,
                AddressRow.invitation_id.set(seen.id),
                only_if=is_free() | (Path("invitation_id") == seen.id),
                refused=AlreadyInvited,
                upsert=True,
            ),
        ]

    def closing(self, seen: Invitation, state: str, *, within_its_time: bool = False) -> list[Step]:
        """End an invitation that is still as it was `seen`, keeping no address. Raises `Closed`, and `Moved`."""
        pk = organisation_pk(seen.organisation_id)
        row = InvitationRow(pk=pk, sk=open_sk(seen.id), version=seen.version)
        in_time = Path("expires_at") > clock.rfc3339(clock.now()) if within_its_time else None
        trace = ClosedRow(pk=pk, sk=closed_sk(seen.id), state=state, address=seen.address)
        trace.ttl = int((clock.now() + CLOSED_KEPT).timestamp())
        steps = [
            # What stands there for a day answers a create that is asked again.
            putting(
                self.table,
                gone_row(row),
                only_if=all_of(_is_open(seen.sends), in_time),
                refused=lambda old: Closed(),
            ),
            putting(self.table, trace),
        ]
        held = self._address_past(seen)
        if held is None or held.invitation_id == seen.id:
            free = is_free() | (Path("invitation_id") == seen.id)
            address = deleting(
                self.table, AddressRow, pk, address_sk(seen.address), only_if=free, refused=lambda old: Moved()
            )
            steps.append(address)
        return steps

    def _address_past(self, seen: Invitation) -> AddressRow | None:
        """For whom the address of an invitation past its time stands by now: it may have been invited anew. 1 read."""
        if seen.expires_at > clock.now() + timedelta(seconds=1):
            return None
        return self.table.get(AddressRow, organisation_pk(seen.organisation_id), address_sk(seen.address))

    def mark_mailed(self, seen: Invitation) -> bool:
        """Remember that the mail of this sending was asked for. False when it was before, or is not wanted any more."""
        try:
            self.table.update(
                InvitationRow,
                organisation_pk(seen.organisation_id),
                open_sk(seen.id),
                InvitationRow.mailed.set(seen.sends),
                only_if=_is_open(seen.sends) & (Path("mailed") < seen.sends),
                bump=False,
            )
        except ConditionFailed:
            return False
        return True


def _is_open(sends: int) -> Condition:
    # The trace of a closed one has no sendings.
    return Path("sends") == sends


def open_sk(invitation_id: str) -> str:
    return f"I#{invitation_id}"


def closed_sk(invitation_id: str) -> str:
    return f"CLOSED#{invitation_id}"


def address_sk(address_key: str) -> str:
    return f"A#{address_key}"
