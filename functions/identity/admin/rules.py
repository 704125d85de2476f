"""Who may do what to whom, and which roles may be given. Pure decisions.

Problem
├── NotYourself           403 own-account             nobody changes their own roles or locks themselves
├── RankTooLow            403 rank-too-low            staff act on those below them
├── WouldEscalate         403 escalation-refused      nobody gives what they do not hold
├── OtherAddress          403 other-address           the invitation is for another address
├── ImportStopped         403 import-stopped          who began it was locked or demoted since
├── SetupTokenInvalid     403 setup-token-invalid
├── OwnerExists           409 owner-exists
├── RoleExists            409 role-exists
├── RoleBuiltIn           409 role-built-in
├── RoleAssigned          409 role-assigned           with the count
├── TooManyRoles          409 too-many-roles
├── InvitationUsed        409 invitation-used
├── InvitationVoid        409 invitation-void         who sent it may not give these roles any more
├── UploadMissing         409 upload-missing
├── ImpersonationOver     409 impersonation-over
└── InvitationExpired     410 invitation-expired
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from tessera.problems import Problem

OWNER, ADMIN, USER = "owner", "admin", "user"
# The roles that ship, by how far they reach. Staff act on those of strictly lower rank, owners on anybody.
RANKS: Mapping[str, int] = {"guest": 0, USER: 1, "support": 3, "moderator": 3, ADMIN: 4, OWNER: 5}
# Whoever holds a role that was defined here stands between users and staff.
CUSTOM_RANK = 2
STAFF = frozenset(["support", "moderator", ADMIN, OWNER])
# Which permission giving or taking a built-in role needs; a custom role needs the first.
ASSIGNS, ASSIGNS_STAFF = "admin:roles", "admin:roles_staff"
MAX_ROLES = 50


class NotYourself(Problem):
    status, slug, title = 403, "own-account", "Not on your own account"

    def __init__(self, detail: str = "Ask somebody else of the staff.") -> None:
        super().__init__(detail)


class RankTooLow(Problem):
    status, slug, title = 403, "rank-too-low", "This account is not below yours"

    def __init__(self, detail: str = "You may act on people whose roles rank lower than yours.") -> None:
        super().__init__(detail)


class WouldEscalate(Problem):
    status, slug, title = 403, "escalation-refused", "Nobody gives what they do not hold"


class OtherAddress(Problem):
    status, slug, title = 403, "other-address", "This invitation is for another address"

    def __init__(self) -> None:
        super().__init__("Sign in with the account of the address it was sent to.")


class SetupTokenInvalid(Problem):
    status, slug, title = 403, "setup-token-invalid", "This setup token is not valid"

    def __init__(self) -> None:
        super().__init__("A token works once, and only the newest one. Make another one.")


class OwnerExists(Problem):
    status, slug, title = 409, "owner-exists", "There is an owner already"


class RoleExists(Problem):
    status, slug, title = 409, "role-exists", "There is a role of this name"


class RoleBuiltIn(Problem):
    status, slug, title = 409, "role-built-in", "This role ships with the product"

    def __init__(self) -> None:
        super().__init__("Built-in roles stay as they are. Define one of another name.")


class RoleAssigned(Problem):
    status, slug, title = 409, "role-assigned", "Somebody holds this role"

    def __init__(self, count: int) -> None:
        people = "person holds" if count == 1 else "people hold"
        super().__init__(f"{count} {people} it. Take it from them first.", assigned=count)


class TooManyRoles(Problem):
    status, slug, title = 409, "too-many-roles", "There are enough roles"

    def __init__(self) -> None:
        super().__init__(f"At most {MAX_ROLES} roles can be defined.")


class InvitationUsed(Problem):
    status, slug, title = 409, "invitation-used", "This invitation has been used"

    def __init__(self, detail: str = "It works once.") -> None:
        super().__init__(detail)


class InvitationVoid(Problem):
    status, slug, title = 409, "invitation-void", "This invitation does not count any more"

    def __init__(self) -> None:
        super().__init__("Who sent it may not give these roles any more. Ask for another one.")


class InvitationExpired(Problem):
    status, slug, title = 410, "invitation-expired", "This invitation has expired"

    def __init__(self) -> None:
        super().__init__("Ask for another one.")


class UploadMissing(Problem):
    status, slug, title = 409, "upload-missing", "The file is not there yet"

    def __init__(self) -> None:
        super().__init__("Put it to the upload's URL first.")


class ImportStopped(Problem):
    status, slug, title = 403, "import-stopped", "Who began this import may not go on with it"

    def __init__(self) -> None:
        super().__init__("They were locked, or have lost a role since. Somebody else can import the rest.")


class ImpersonationOver(Problem):
    status, slug, title = 409, "impersonation-over", "It has ended already"


@dataclass(frozen=True)
class Standing:
    """Somebody, as far as these rules look at them. `held` are the permissions their roles give, wildcards kept."""

    id: str
    roles: frozenset[str]
    held: frozenset[str] = field(default_factory=frozenset)

    @property
    def rank(self) -> int:
        return rank(self.roles)

    def holds(self, permission: str) -> bool:
        return permission in self.held or f"*:{permission.partition(':')[2]}" in self.held


def rank(roles: Iterable[str]) -> int:
    """The highest rank among these roles."""
    return max((RANKS.get(role, CUSTOM_RANK) for role in roles), default=0)


def check_reach(actor: Standing, target: Standing) -> None:
    """Raises `NotYourself` or `RankTooLow` unless the actor may change this account."""
    if actor.id == target.id:
        raise NotYourself()
    if actor.rank <= target.rank and OWNER not in actor.roles:
        raise RankTooLow()


def check_impersonation(actor: Standing, target: Standing, *, write: bool) -> None:
    """Reading: staff for those who are no staff, owners for all but owners. Writing: for plain users alone."""
    if actor.id == target.id:
        raise NotYourself("You are yourself already.")
    may_be_staff = OWNER in actor.roles and not write
    if target.rank >= actor.rank or (target.roles & STAFF and not may_be_staff):
        raise RankTooLow("In this way you may act for people who are not of the staff.")


def shared(actor: Standing, permissions: Iterable[str]) -> frozenset[str]:
    """Those of the permissions that the actor holds as well. An owner could give themselves any."""
    return frozenset(one for one in permissions if OWNER in actor.roles or actor.holds(one))


def check_grant(
    actor: Standing, before: Set[str], after: Set[str], definitions: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """The roles given or taken, when the actor may do so. Raises `WouldEscalate`.

    `definitions` says for every role which permissions it gives. An owner may give anything, since an owner may
    define a role that gives it.
    """
    changed = frozenset(before ^ after)
    for role in sorted(changed):
        check_one(actor, role, definitions.get(role, frozenset()))
    return changed


def check_one(actor: Standing, role: str, gives: frozenset[str]) -> None:
    """Raises `WouldEscalate` unless the actor may give and take this role."""
    needed = ASSIGNS_STAFF if role in (ADMIN, OWNER) else ASSIGNS
    if not actor.holds(needed):
        raise WouldEscalate(f"The role {role} is given by those who hold {needed}.")
    if OWNER not in actor.roles and rank([role]) >= actor.rank:
        raise WouldEscalate(f"The role {role} does not rank below yours.")
    check_permissions(actor, gives, what=f"The role {role}")


def check_permissions(actor: Standing, permissions: Iterable[str], *, what: str) -> None:
    """Raises `WouldEscalate`, naming what the actor does not hold."""
    if OWNER in actor.roles:
        return
    missing = sorted(one for one in permissions if not _covered(actor, one))
    if missing:
        raise WouldEscalate(f"{what} gives {', '.join(missing[:5])}, which you do not hold.")


def _covered(actor: Standing, permission: str) -> bool:
    # A wildcard is held only as such: it also covers what is yet to come.
    return permission in actor.held if permission.startswith("*:") else actor.holds(permission)


def masked(email: str) -> str:
    """An address that still tells people apart: `a***@e***.com`."""
    local, _, domain = email.rpartition("@")
    name, dot, ending = domain.rpartition(".")
    return f"{local[:1]}***@{name[:1]}***{dot}{ending}" if dot else f"{local[:1]}***@***"
