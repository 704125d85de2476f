"""Roles that are defined here, and what they give."""

from collections.abc import Callable
from typing import TypeVar

from tessera import clock
from tessera.auth.audit import audit
from tessera.auth.roles import known
from tessera.etags import StaleVersion
from tessera.problems import Busy, FieldError, InvalidRequest, NotFound

from .. import rules
from ..accounts import Asker
from ..events import RoleDefined
from ..ports import Ports
from ..rules import RoleBuiltIn, RoleExists, TooManyRoles
from ..store.roles import DefinitionsMoved, Role
from . import standing
from .refusals import on_record

TRIES = 5
# Whoever counted a role to give it has given it by then, or never will.
SETTLED_MS = 60_000
SEARCH_SECONDS = 10.0
Made = TypeVar("Made")


def define(
    ports: Ports,
    name: str,
    permissions: list[str],
    description: str | None,
    *,
    made_by: str | None = None,
    asker: Asker,
) -> tuple[Role, bool]:
    """A new role, and whether the request `made_by` had made it before. 1 read, 1 transaction.

    Raises `RoleBuiltIn`, `RoleExists`, `TooManyRoles`, `WouldEscalate`.
    """
    wanted = _checked(ports, name, permissions, asker)

    def attempt() -> tuple[Role, bool]:
        definitions, version = ports.roles.definitions()
        if name in definitions:
            role = ports.roles.get(name)
            if made_by is not None and role.made_by == made_by:
                return role, True
            raise RoleExists("Choose another name, or change that one.")
        if len(definitions) >= rules.MAX_ROLES:
            raise TooManyRoles()
        role = Role(name, wanted, description, made_by=made_by)
        return _define(ports, role, definitions, version, expect=None, before=frozenset(), asker=asker), False

    return _retried(attempt)


def redefine(
    ports: Ports, name: str, permissions: list[str], description: str | None, *, version: int | None, asker: Asker
) -> Role:
    """What the role gives from now on; who holds it has it within 15 seconds. 2 reads, 1 transaction.

    Raises `NotFound`, `RoleBuiltIn`, `StaleVersion`, `WouldEscalate`.
    """
    wanted = _checked(ports, name, permissions, asker)

    def attempt() -> Role:
        definitions, at = ports.roles.definitions()
        before = ports.roles.get(name)
        _hold(before, version)
        with on_record(ports, f"role:{name}", asker):
            rules.check_permissions(standing.of_asker(asker), before.permissions, what=f"The role {name}")
        role = Role(name, wanted, description, before.assigned, before.version, before.touched)
        expect = before.version
        return _define(ports, role, definitions, at, expect=expect, before=before.permissions, asker=asker)

    return _retried(attempt)


def delete(ports: Ports, name: str, *, version: int | None, asker: Asker) -> None:
    """Take the role away. Raises `NotFound`, `RoleBuiltIn`, `StaleVersion`, and `RoleAssigned` while somebody holds it.

    2 reads, 1 transaction; when the count says that somebody holds it, `accounts` is asked who.
    """
    assert asker.principal is not None
    if not standing.is_custom(name):
        raise RoleBuiltIn()
    by, call = asker.principal, asker.call

    def attempt() -> None:
        definitions, at = ports.roles.definitions()
        role = ports.roles.get(name)
        _hold(role, version)
        _unheld(ports, role)
        told = audit(
            "admin.role-deleted",
            f"role:{name}",
            by=by,
            call=call,
            changes={"permissions": (role.permissions, None)},
        )
        event = RoleDefined(role=name, permissions=[], deleted=True)
        ports.roles.delete(role, definitions, at, event=event, also=[told])

    _retried(attempt)


def _define(
    ports: Ports,
    role: Role,
    definitions: dict[str, frozenset[str]],
    version: int,
    *,
    expect: int | None,
    before: frozenset[str],
    asker: Asker,
) -> Role:
    assert asker.principal is not None
    told = audit(
        "admin.role-defined",
        f"role:{role.name}",
        by=asker.principal,
        call=asker.call,
        changes={"permissions": (before or None, role.permissions)},
    )
    event = RoleDefined(role=role.name, permissions=sorted(role.permissions))
    return ports.roles.define(role, definitions, version, expect=expect, event=event, also=[told])


def _checked(ports: Ports, name: str, permissions: list[str], asker: Asker) -> frozenset[str]:
    """The permissions, when there are such and the caller may give them."""
    if not standing.is_custom(name):
        raise RoleBuiltIn()
    unknown = sorted(set(permissions) - known())
    if unknown:
        told = f"There is no permission {', '.join(unknown[:5])}."
        raise InvalidRequest("Name permissions that exist.", errors=[FieldError("/permissions", told)])
    with on_record(ports, f"role:{name}", asker):
        rules.check_permissions(standing.of_asker(asker), permissions, what=f"The role {name}")
    return frozenset(permissions)


def _hold(role: Role, version: int | None) -> None:
    if version is not None and version != role.version:
        raise StaleVersion(f"You read version {version}; it is at {role.version} now. Read it again.")


def _unheld(ports: Ports, role: Role) -> None:
    """Raises `RoleAssigned` when somebody holds the role.

    The count only ever runs ahead, by a crash between counting and giving, or when an account is deleted. So when
    nobody was counted lately, `accounts` is asked for somebody who holds it; as long as that takes, somebody may.
    """
    if role.assigned == 0:
        return
    started, after = clock.monotonic(), None
    while clock.millis() - role.touched >= SETTLED_MS and clock.monotonic() - started < SEARCH_SECONDS:
        found, after = ports.accounts.search({"role": role.name}, limit=100, after=after)
        if found:
            break
        if after is None:
            return
    raise rules.RoleAssigned(role.assigned)


def _retried(attempt: Callable[[], Made]) -> Made:
    """Every definition lies in one item, so another role's change may come in between."""
    for _ in range(TRIES):
        try:
            return attempt()
        except DefinitionsMoved:
            continue
    raise Busy()


def get(ports: Ports, name: str) -> Role:
    """Raises `NotFound`, also for roles that ship: those are in the catalogue."""
    if not standing.is_custom(name):
        raise NotFound("Built-in roles are in /admin/permissions.")
    return ports.roles.get(name)
