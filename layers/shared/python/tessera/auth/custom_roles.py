"""Roles that `admin` defines, as `accounts` reads them when it makes a token: one item of `authfeed`."""

from typing import Any, Self, cast

from pynamodb.attributes import JSONAttribute

from tessera import clock
from tessera.auth.roles import matrix
from tessera.auth.settings import AuthSettings
from tessera.expressions import is_free
from tessera.settings import Bindings
from tessera.tables import Row, Table
from tessera.transact import Refusal, Step, putting

ROLES_PK, ROLES_SK = "ROLES", "CURRENT"
CACHE_MS = 8_000


class RolesRow(Row):
    """Every custom role and its permissions; the definitions that ship stand until the first change."""

    roles = JSONAttribute()


class CustomRoles:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._read_at = 0
        self._known: dict[str, frozenset[str]] = {}

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AuthSettings).authfeed))

    def current(self) -> tuple[dict[str, frozenset[str]], int]:
        """The definitions and their version, 0 before the first change. 1 consistent read."""
        row = self._table.get(RolesRow, ROLES_PK, ROLES_SK)
        found: dict[str, Any] = cast(dict[str, Any], row.roles) if row else matrix()["custom_roles"]
        return {name: frozenset(held) for name, held in found.items()}, int(row.version) if row else 0

    def held_by(self, roles: set[str] | frozenset[str], *, now: bool = False) -> frozenset[str]:
        """What the custom ones of these roles add. No request when all are built in, else 1 in 8 seconds.

        `now` is for what lasts, such as a token: a token made of what was read before a change, but after it, would
        keep what the role gave before and never be told apart. 1 consistent read.
        """
        named = frozenset(roles) - frozenset(matrix()["roles"])
        if not named:
            return frozenset()
        if now or not 0 <= clock.millis() - self._read_at < CACHE_MS:
            self._known = self.current()[0]
            self._read_at = clock.millis()
        return frozenset[str]().union(*(self._known.get(role, frozenset()) for role in named))

    def names(self) -> frozenset[str]:
        """Every role that may be given, built-in ones included. 1 read."""
        return frozenset(matrix()["roles"]).union(self.current()[0])

    def defining(self, roles: dict[str, frozenset[str]], *, version: int, refused: Refusal) -> Step:
        """The step that replaces all definitions, if nobody did since `version` was read."""
        row = RolesRow(
            pk=ROLES_PK, sk=ROLES_SK, roles={name: sorted(held) for name, held in roles.items()}, version=version + 1
        )
        unchanged = RolesRow.version == version if version else is_free()
        return putting(self._table, row, only_if=unchanged, refused=refused)
