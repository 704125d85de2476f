"""Who somebody is to the rules, and what every role gives."""

from tessera.auth.principal import Principal
from tessera.auth.roles import expand, held_by, known, matrix
from tessera.problems import FieldError, InvalidRequest

from ..accounts import Asker, User
from ..ports import Ports
from ..rules import USER, Standing

Definitions = dict[str, frozenset[str]]


def of_principal(principal: Principal) -> Standing:
    """The caller, narrowed to what their credential is good for."""
    held = principal.permissions
    if principal.scope is not None:
        held = frozenset(one for one in known() if principal.can(one))
    return Standing(principal.user_id or principal.id, principal.roles, held)


def of_asker(asker: Asker) -> Standing:
    assert asker.principal is not None, "somebody asks"
    return of_principal(asker.principal)


def of_user(user: User) -> Standing:
    return Standing(user.id, user.roles)


def of_roles(user_id: str, roles: frozenset[str], added: frozenset[str]) -> Standing:
    """Somebody as `accounts` says they stand."""
    return Standing(user_id, roles, expand(roles, added))


def definitions(ports: Ports) -> Definitions:
    """What every role gives, built-in ones included. 1 read."""
    custom, _ = ports.roles.definitions()
    return {**{role: held_by(role) for role in matrix()["roles"]}, **custom}


def wanted_roles(roles: list[str], known_roles: Definitions) -> frozenset[str]:
    """The roles as a full set: everybody is a user, nobody with an account a guest. Raises `InvalidRequest`."""
    unknown = sorted(set(roles) - known_roles.keys() | ({"guest"} & set(roles)))
    if unknown:
        told = f"There is no role {', '.join(unknown)} to be given."
        raise InvalidRequest("Give roles that exist.", errors=[FieldError("/roles", told)])
    return frozenset([*roles, USER])


def is_custom(role: str) -> bool:
    return role not in matrix()["roles"]


def is_limited(principal: Principal, permission: str) -> bool:
    """Whether the caller holds it only within the limit that the role matrix names, or by a role defined here."""
    cells = next(group["cells"] for group in matrix()["groups"] if permission in group["permissions"])
    return not any(cells.get(role) == "yes" for role in principal.roles)
