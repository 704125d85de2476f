"""Roles that are defined here: what they give, in `authfeed`; who they are for and how many hold them, in our table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self, cast

from pynamodb.expressions.condition import Condition

from tessera import clock
from tessera.auth.custom_roles import CustomRoles
from tessera.auth.feed import Feed
from tessera.etags import StaleVersion
from tessera.expressions import is_free
from tessera.outbox import Event
from tessera.problems import NotFound
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.transact import Refusal, Step, putting, telling, transact, updating

from ..config import AdminSettings
from ..rules import RoleAssigned, RoleExists
from .rows import VALUE, RoleRow, role_pk


@dataclass(frozen=True)
class Role:
    name: str
    permissions: frozenset[str]
    description: str | None = None
    assigned: int = 0
    version: int = 1
    touched: int = 0
    # The hash of the request that made it.
    made_by: str | None = None


class DefinitionsMoved(Exception):
    """Another role was defined meanwhile: read the definitions again."""


class RoleStore:
    def __init__(self, table: Table, custom: CustomRoles, feed: Feed) -> None:
        self.table, self.custom, self.feed = table, custom, feed

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AdminSettings).table), bindings.get(CustomRoles), bindings.get(Feed))

    def definitions(self) -> tuple[dict[str, frozenset[str]], int]:
        """What every custom role gives, and the version of it all. 1 read."""
        return self.custom.current()

    def all(self) -> list[Role]:
        """Every custom role, by name. 2 requests: there are at most 50."""
        defined, _ = self.definitions()
        rows = {row.name: row for row in self.table.get_many(RoleRow, [(role_pk(name), VALUE) for name in defined])}
        return [_role(name, defined[name], rows.get(name)) for name in sorted(defined)]

    def get(self, name: str) -> Role:
        """2 reads. Raises `NotFound`."""
        defined, _ = self.definitions()
        if name not in defined:
            raise NotFound("There is no such role.")
        return _role(name, defined[name], self.table.get(RoleRow, role_pk(name), VALUE))

    def define(
        self,
        role: Role,
        definitions: dict[str, frozenset[str]],
        version: int,
        *,
        expect: int | None,
        event: Event,
        also: Sequence[Event],
    ) -> Role:
        """A new role, or other permissions for the one read at `expect`: 1 transaction with the feed.

        Tokens with the role are refused within 15 seconds, so that they are made anew. Raises `RoleExists`,
        `StaleVersion`, and `DefinitionsMoved`.
        """
        row = RoleRow(
            pk=role_pk(role.name),
            sk=VALUE,
            name=role.name,
            description=role.description,
            updated=clock.millis(),
            version=1 if expect is None else expect + 1,
            assigned=role.assigned,
            touched=role.touched,
            made_by=role.made_by,
        )
        after = {**definitions, role.name: role.permissions}
        transact(
            self._keeping(row, expect, event),
            self.custom.defining(after, version=version, refused=DefinitionsMoved()),
            self.feed.revoke("r", role.name),
            *(telling(self.table, more) for more in also),
        )
        return _role(role.name, role.permissions, row)

    def delete(
        self, role: Role, definitions: dict[str, frozenset[str]], version: int, *, event: Event, also: Sequence[Event]
    ) -> None:
        """Take the role away, if nobody was given it since it was read. 1 transaction.

        Raises `RoleAssigned`, `StaleVersion`, `DefinitionsMoved`.
        """
        gone = RoleRow(
            pk=role_pk(role.name), sk=VALUE, name=role.name, deleted=1, version=role.version + 1, updated=clock.millis()
        )
        after = {name: held for name, held in definitions.items() if name != role.name}
        unchanged = _is_at(role.version) & _is_untouched(role)
        transact(
            putting(self.table, gone, only_if=unchanged, event=event, refused=_changed(role)),
            self.custom.defining(after, version=version, refused=DefinitionsMoved()),
            self.feed.revoke("r", role.name),
            *(telling(self.table, more) for more in also),
        )

    def reserve(self, names: Iterable[str]) -> None:
        """Count somebody who is about to be given these roles. 1 transaction.

        From here on nobody deletes them. Raises `NotFound` for one that was deleted meanwhile.
        """
        steps = [self._counting(name, 1) for name in sorted(names)]
        if steps:
            transact(*steps)

    def release(self, names: Iterable[str]) -> None:
        """Somebody does not hold these roles any more, or did not get them after all. 1 transaction."""
        steps = [self._counting(name, -1) for name in sorted(names)]
        if steps:
            transact(*steps)

    def _counting(self, name: str, by: int) -> Step:
        gone = NotFound(f"There is no role {name}.")
        grown = [RoleRow.touched.set(clock.millis())] if by > 0 else []
        return updating(
            self.table,
            RoleRow,
            role_pk(name),
            VALUE,
            RoleRow.assigned.add(by),
            RoleRow.name.set(name),
            *grown,
            only_if=RoleRow.deleted.does_not_exist(),
            refused=gone,
            # A role that ships gets its item now.
            upsert=True,
            bump=False,
        )

    def _keeping(self, row: RoleRow, expect: int | None, event: Event) -> Step:
        if expect is None:
            free = is_free() | RoleRow.deleted.exists()
            return putting(self.table, row, only_if=free, event=event, refused=RoleExists("Choose another name."))
        described = RoleRow.description
        # By an update, because the count may grow in between, which is no reason to refuse.
        return updating(
            self.table,
            RoleRow,
            row.pk,
            row.sk,
            RoleRow.name.set(row.name),
            RoleRow.updated.set(row.updated),
            RoleRow.version.set(row.version),
            described.set(row.description) if row.description is not None else described.remove(),
            only_if=_is_at(expect) & RoleRow.deleted.does_not_exist(),
            event=event,
            refused=StaleVersion(f"You read version {expect}; it has changed since. Read it again."),
            upsert=True,
            bump=False,
        )


def _is_at(version: int) -> Condition:
    """In this version. A role that ships, and one that was only given to people, has none yet and is at 1."""
    same = RoleRow.version == version
    return cast(Condition, same | RoleRow.version.does_not_exist() if version == 1 else same)


def _is_untouched(role: Role) -> Condition:
    """Nobody was given the role since it was read."""
    same = RoleRow.touched == role.touched
    return cast(Condition, same if role.touched else same | RoleRow.touched.does_not_exist())


def _changed(role: Role) -> Refusal:
    def refuse(old: RoleRow | None) -> Exception:
        if old is not None and int(old.touched) != role.touched:
            return RoleAssigned(max(1, int(old.assigned)))
        return StaleVersion("The role has changed since. Read it again.")

    return refuse


def _role(name: str, permissions: frozenset[str], row: RoleRow | None) -> Role:
    if row is None or row.deleted:
        return Role(name, permissions)
    return Role(
        name=name,
        permissions=permissions,
        description=row.description,
        assigned=max(0, int(row.assigned)),
        version=int(row.version or 1),
        touched=int(row.touched or 0),
        made_by=row.made_by,
    )
