"""Domains that an organisation says are its own, and the claims of those that have been proven."""

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import is_new
from tessera.outbox import Event
from tessera.problems import NotFound
from tessera.transact import Step, checking, deleting, putting, updating

from ..rules.organisation import Domain, DomainClaimed, Join
from .organisations import Moved, as_read, judging
from .rows import CLAIM, ClaimRow, DomainRow, Stored, domain_of, organisation_pk


class DomainStore(Stored):
    def find(self, organisation_id: str, name: str) -> Domain | None:
        """1 read unit."""
        row = self.table.get(DomainRow, organisation_pk(organisation_id), domain_sk(name))
        return domain_of(row) if row else None

    def all(self, organisation_id: str) -> list[Domain]:
        """They are few. 1 request."""
        begins = Path("sk").startswith("D#")
        rows = self.table.query_all(DomainRow, organisation_pk(organisation_id), sort=begins, consistent=True)
        return [domain_of(row) for row in rows]

    def holder(self, name: str) -> str | None:
        """The organisation that has proven this domain. 1 read unit."""
        row = self.table.get(ClaimRow, claim_pk(name), CLAIM)
        return str(row.organisation_id) if row else None

    def adding(self, new: Domain, event: Event) -> Step:
        row = DomainRow(
            pk=organisation_pk(new.organisation_id),
            sk=domain_sk(new.name),
            value=new.value,
            join=new.join.value,
            role=new.role,
            created_at=clock.rfc3339(new.created_at),
        )
        return putting(self.table, row, only_if=is_new(), event=event, refused=lambda old: Moved())

    def not_claimed_elsewhere(self, organisation_id: str, name: str) -> Step:
        mine = Path("organisation_id") == organisation_id
        return checking(self.table, ClaimRow, claim_pk(name), CLAIM, only_if=is_new() | mine, refused=_claimed())

    def changing(self, seen: Domain, join: Join, role: str, event: Event, *, expect: int | None) -> Step:
        """Raises `StaleVersion` when the caller read another version than there is, and `Moved`."""
        return updating(
            self.table,
            DomainRow,
            organisation_pk(seen.organisation_id),
            domain_sk(seen.name),
            DomainRow.join.set(join.value),
            DomainRow.role.set(role),
            only_if=as_read(seen.version, expect),
            event=event,
            refused=judging(expect),
        )

    def verifying(self, seen: Domain, event: Event) -> list[Step]:
        """Raises `DomainClaimed` when another organisation was first."""
        claim = ClaimRow(pk=claim_pk(seen.name), sk=CLAIM, organisation_id=seen.organisation_id)
        mine = Path("organisation_id") == seen.organisation_id
        return [
            putting(self.table, claim, only_if=is_new() | mine, refused=_claimed()),
            updating(
                self.table,
                DomainRow,
                organisation_pk(seen.organisation_id),
                domain_sk(seen.name),
                DomainRow.verified_at.set(clock.rfc3339(clock.now())),
                event=event,
                refused=NotFound("There is no such domain."),
            ),
        ]

    def removing(self, seen: Domain, *, expect: int | None = None) -> list[Step]:
        """Raises `StaleVersion` when the caller read another version than there is, and `Moved`."""
        steps = [
            deleting(
                self.table,
                DomainRow,
                organisation_pk(seen.organisation_id),
                domain_sk(seen.name),
                only_if=as_read(seen.version, expect),
                refused=judging(expect),
            ),
        ]
        if seen.verified_at is not None:
            steps.append(deleting(self.table, ClaimRow, claim_pk(seen.name), CLAIM))
        return steps

    def holding(self, seen: Domain) -> Step:
        """Somebody comes in by it: it must still let them in, with the role that was read. Raises `Moved`."""
        return checking(
            self.table,
            DomainRow,
            organisation_pk(seen.organisation_id),
            domain_sk(seen.name),
            only_if=Path("version") == seen.version,
            refused=lambda old: Moved(),
        )


def _claimed() -> DomainClaimed:
    return DomainClaimed("If it is yours, ask its administrators to give it up.")


def domain_sk(name: str) -> str:
    return f"D#{name}"


def claim_pk(name: str) -> str:
    return f"DOM#{name}"
