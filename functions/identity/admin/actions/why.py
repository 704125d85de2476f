"""Why somebody may do something, or may not: from each role to the permission."""

from dataclasses import dataclass, replace

from tessera.auth.principal import Principal
from tessera.auth.roles import known, matrix
from tessera.problems import FieldError, InvalidRequest

from ..ports import Ports
from ..rules import STAFF
from . import standing


@dataclass(frozen=True)
class Because:
    """A role, and what of it counts. `limit` says how far it reaches."""

    role: str
    through: str
    built_in: bool
    limit: str | None = None


@dataclass(frozen=True)
class Explained:
    permission: str
    allowed: bool
    roles: frozenset[str]
    because: list[Because]
    # Roles that would give it, when none of theirs does.
    would: list[str]


@dataclass(frozen=True)
class Group:
    """Permissions that go together, and who holds them: `yes`, `no`, or how far."""

    title: str
    permissions: list[str]
    cells: dict[str, str]


def explain_of(
    ports: Ports, permission: str, *, user_id: str | None, roles: list[str] | None, caller: Principal
) -> Explained:
    """About a user, about anybody with these roles, or about the caller. At most 1 internal call.

    Raises `NotFound`, `InvalidRequest`.
    """
    if user_id is not None:
        state = ports.accounts.state(user_id)
        found = explain(ports, permission, state.roles)
        # Whoever cannot sign in can do nothing, whatever their roles say.
        return found if state.status == "active" else replace(found, allowed=False)
    return explain(ports, permission, frozenset(roles) if roles is not None else caller.roles)


def explain(ports: Ports, permission: str, roles: frozenset[str]) -> Explained:
    """1 read. Raises `InvalidRequest` for a permission that there is not."""
    if permission not in known():
        told = "There is no such permission."
        raise InvalidRequest("Name a permission that exists.", errors=[FieldError("/permission", told)])
    custom, _ = ports.roles.definitions()
    because = [found for role in sorted(roles) for found in _through(role, permission, custom)]
    would = sorted(role for role in [*matrix()["roles"], *custom] if _through(role, permission, custom))
    return Explained(permission, bool(because), roles, because, [] if because else would)


def _through(role: str, permission: str, custom: dict[str, frozenset[str]]) -> list[Because]:
    if role in custom and standing.is_custom(role):
        return [Because(role, permission, built_in=False)] if permission in custom[role] else []
    found = []
    cell = _group_of(permission)["cells"].get(role, "no")
    if cell == "yes" or (isinstance(cell, dict) and cell["held"]):
        limit = cell["limit"] if isinstance(cell, dict) else None
        found.append(Because(role, permission, built_in=True, limit=limit))
    wildcard = f"*:{permission.partition(':')[2]}"
    if wildcard in matrix()["wildcards"].get(role, []):
        found.append(Because(role, wildcard, built_in=True))
    return found


def catalogue() -> list[Group]:
    """Every permission and who holds it, as the role matrix says."""
    return [
        Group(group["title"], list(group["permissions"]), {role: _said(group, role) for role in matrix()["roles"]})
        for group in matrix()["groups"]
    ]


def _said(group: dict[str, object], role: str) -> str:
    cells = group["cells"]
    assert isinstance(cells, dict)
    cell = cells.get(role, "no")
    return str(cell["limit"]) if isinstance(cell, dict) else str(cell)


def _group_of(permission: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = next(
        group for group in matrix()["groups"] if permission in group["permissions"]
    )
    return found


def is_staff(roles: frozenset[str]) -> bool:
    return bool(roles & STAFF)
