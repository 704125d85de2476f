"""Who belongs to which organisation, with which role; and the roles of an organisation's own."""

from collections.abc import Iterable, Iterator

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import all_of, is_new
from tessera.outbox import Event
from tessera.problems import NotFound
from tessera.tables import Key
from tessera.transact import Step, deleting, putting, updating

from ..rules.organisation import AlreadyMember, Member, Role, RoleInUse, RoleUnknown, own
from .organisations import Moved, as_read, judging
from .rows import (
    MemberRow,
    RoleRow,
    Stored,
    member_of,
    member_sk,
    organisation_pk,
    role_of,
    user_pk,
)


class MemberStore(Stored):
    def find(self, organisation_id: str, user_id: str) -> Member | None:
        """1 read unit."""
        row = self.table.get(MemberRow, organisation_pk(organisation_id), member_sk(user_id))
        return member_of(row) if row else None

    def page(self, organisation_id: str, limit: int, after: str | None) -> tuple[list[Member], str | None]:
        """Members by their ids, and the id after which the next page starts. 1 request."""
        pk = organisation_pk(organisation_id)
        start = {"pk": pk, "sk": member_sk(after)} if after else None
        begins = Path("sk").startswith("M#")
        page = self.table.query(MemberRow, pk, sort=begins, limit=limit, after=start, consistent=True)
        return [member_of(row) for row in page.rows], page.next["sk"].partition("#")[2] if page.next else None

    def everybody(self, organisation_id: str) -> Iterator[Member]:
        """All of them, page by page: for what happens once in an organisation's life."""
        begins = Path("sk").startswith("M#")
        for row in self.table.query_all(MemberRow, organisation_pk(organisation_id), sort=begins, consistent=True):
            yield member_of(row)

    def memberships(self, user_id: str, limit: int, after: str | None) -> tuple[list[Member], str | None]:
        """Where somebody belongs, and the organisation after which the next page starts. 1 request."""
        start: Key | None = None
        if after:
            start = {"pk": organisation_pk(after), "sk": member_sk(user_id)}
            start |= {"gs1_pk": user_pk(user_id), "gs1_sk": after}
        page = self.table.query(MemberRow, user_pk(user_id), index="gs1", limit=limit, after=start)
        return [member_of(row) for row in page.rows], page.next["gs1_sk"] if page.next else None

    def adding(self, organisation_id: str, user_id: str, role: str, event: Event | None) -> Step:
        row = MemberRow(
            pk=organisation_pk(organisation_id),
            sk=member_sk(user_id),
            role=role,
            joined_at=clock.rfc3339(clock.now()),
            gs1_pk=user_pk(user_id),
            gs1_sk=organisation_id,
        )
        return putting(self.table, row, only_if=is_new(), event=event, refused=AlreadyMember)

    def assigning(self, seen: Member, role: str, event: Event, *, expect: int | None = None) -> Step:
        """Another role for a member who is still as they were `seen`. Raises `StaleVersion`, `NotFound`, `Moved`."""
        return updating(
            self.table,
            MemberRow,
            organisation_pk(seen.organisation_id),
            member_sk(seen.user_id),
            MemberRow.role.set(role),
            only_if=as_read(seen.version, expect),
            event=event,
            refused=judging(expect, NotFound("There is no such member.")),
        )

    def removing(self, seen: Member, *, expect: int | None = None) -> Step:
        """Raises `StaleVersion`, and `Moved` when the member is not as they were `seen`."""
        return deleting(
            self.table,
            MemberRow,
            organisation_pk(seen.organisation_id),
            member_sk(seen.user_id),
            only_if=all_of(Path("role") == seen.role, None if expect is None else Path("version") == expect),
            refused=judging(expect),
        )


class RoleStore(Stored):
    def find(self, organisation_id: str, name: str) -> Role | None:
        """1 read unit."""
        row = self.table.get(RoleRow, organisation_pk(organisation_id), role_sk(name))
        return role_of(row) if row else None

    def all(self, organisation_id: str) -> list[Role]:
        """They are few. 1 request."""
        begins = Path("sk").startswith("R#")
        rows = self.table.query_all(RoleRow, organisation_pk(organisation_id), sort=begins, consistent=True)
        return [role_of(row) for row in rows]

    def defining(self, organisation_id: str, name: str, permissions: Iterable[str]) -> Step:
        row = RoleRow(pk=organisation_pk(organisation_id), sk=role_sk(name), permissions=set(permissions) or None)
        return putting(self.table, row, only_if=is_new(), refused=lambda old: Moved())

    def redefining(self, organisation_id: str, seen: Role, permissions: Iterable[str], *, expect: int | None) -> Step:
        """Raises `StaleVersion` when the caller read another version than there is, and `Moved`."""
        wanted = set(permissions)
        held = RoleRow.permissions.set(wanted) if wanted else RoleRow.permissions.remove()
        return updating(
            self.table,
            RoleRow,
            organisation_pk(organisation_id),
            role_sk(seen.name),
            held,
            only_if=as_read(seen.version, expect),
            refused=judging(expect),
        )

    def dropping(self, organisation_id: str, name: str, *, expect: int | None = None) -> Step:
        """Raises `RoleInUse`, with how many name it, `StaleVersion` and `NotFound`."""

        def judge(old: RoleRow | None) -> Exception:
            if old is None:
                return NotFound("There is no such role.")
            if expect is not None and int(old.version) != expect:
                return judging(expect)(old)
            count = int(old.assigned)
            told = f"Members, open invitations and domains that name it: {count}. Give them another role first."
            return RoleInUse(told, assigned=count)

        return deleting(
            self.table,
            RoleRow,
            organisation_pk(organisation_id),
            role_sk(name),
            only_if=all_of(Path("assigned") == 0, None if expect is None else Path("version") == expect),
            refused=judge,
        )

    def counting(self, organisation_id: str, *, taken: str | None = None, given_up: str | None = None) -> list[Step]:
        """One more of a role and one less of another, as far as they are the organisation's own.

        Raises `RoleUnknown` for one that is not there any more.
        """
        if taken == given_up:
            return []
        steps = [(taken, 1), (given_up, -1)]
        return [self._adding(organisation_id, name, by) for name, by in steps if name is not None and own(name)]

    def _adding(self, organisation_id: str, name: str, by: int) -> Step:
        return updating(
            self.table,
            RoleRow,
            organisation_pk(organisation_id),
            role_sk(name),
            RoleRow.assigned.add(by),
            refused=RoleUnknown(),
            bump=False,
        )


def role_sk(name: str) -> str:
    return f"R#{name}"
