"""What an organisation, its members and its invitations may become. Pure decisions.

Problem
├── RoleTooLow            403 role-too-low             a member, but not one who may do this
├── OwnersOnly            403 owners-only              an admin touches no owner and makes none
├── OtherAddress          403 other-address            the invitation is for another address
├── InvitationRequired    403 invitation-required      the domain is known, but nobody joins by it alone
├── SlugTaken             409 slug-taken               by this slug, or by one that looks like it
├── OrganisationQuota     409 organisation-quota
├── OrganisationDeleting  409 organisation-deleting    restore it first
├── OrganisationActive    409 organisation-active      nobody has deleted it, so nothing of it is erased
├── LastOwner             409 last-owner
├── AlreadyMember         409 already-member
├── AlreadyInvited        409 already-invited
├── InvitationUsed        409 invitation-used
├── TooManyInvitations    409 too-many-invitations
├── SeatsExhausted        409 seats-exhausted
├── RoleUnknown           409 role-unknown
├── RoleInUse             409 role-in-use
├── TooManyRoles          409 too-many-roles
├── DomainClaimed         409 domain-claimed           another organisation has proven it
├── DomainUnproven        409 domain-unproven          the TXT record is not there
├── TooManyDomains        409 too-many-domains
└── InvitationExpired     410 invitation-expired       too old, taken back, or replaced by a newer link
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from tessera.problems import Problem

OWNER, ADMIN, MEMBER, VIEWER = "owner", "admin", "member", "viewer"
BUILT_IN = (OWNER, ADMIN, MEMBER, VIEWER)
MANAGERS = frozenset([OWNER, ADMIN])
OWNERS = frozenset([OWNER])
ANYBODY = frozenset[str]()

GRACE = timedelta(days=30)
INVITATION_LIFE = timedelta(days=7)
# How long a closed invitation can still say why its link does nothing any more.
CLOSED_KEPT = timedelta(days=30)
# A slug that was given up stays its organisation's for so long, so that nobody inherits its links.
SLUG_KEPT = timedelta(days=30)
AUDIT_KEPT = timedelta(days=400)
MAX_ORGANISATIONS = 10
MAX_INVITATIONS = 100
MAX_SENDS = 99
MAX_DOMAINS = 10
MAX_ROLES = 20


class RoleTooLow(Problem):
    status, slug, title = 403, "role-too-low", "Your role in this organisation does not allow this"


class OwnersOnly(Problem):
    status, slug, title = 403, "owners-only", "Only an owner may do this"


class OtherAddress(Problem):
    status, slug, title = 403, "other-address", "This invitation is for another address"

    def __init__(self) -> None:
        super().__init__("Sign in to the account whose confirmed address was invited.")


class InvitationRequired(Problem):
    status, slug, title = 403, "invitation-required", "An invitation is needed to join"


class SlugTaken(Problem):
    status, slug, title = 409, "slug-taken", "This slug, or one that looks like it, is taken"

    def __init__(self) -> None:
        super().__init__("Choose another slug. Hyphens and look-alikes such as 0 and o make no difference.")


class OrganisationQuota(Problem):
    status, slug, title = 409, "organisation-quota", "You have made as many organisations as one may"

    def __init__(self) -> None:
        super().__init__(f"One person can have made {MAX_ORGANISATIONS} organisations. Delete one you do not need.")


class OrganisationDeleting(Problem):
    status, slug, title = 409, "organisation-deleting", "The organisation is being deleted"

    def __init__(self) -> None:
        super().__init__("Restore it first, as long as it can be.")


class OrganisationActive(Problem):
    status, slug, title = 409, "organisation-active", "The organisation was not deleted"


class LastOwner(Problem):
    status, slug, title = 409, "last-owner", "Somebody has to stay the owner"

    def __init__(self) -> None:
        super().__init__("This is the last owner. Make another member an owner first.")


class AlreadyMember(Problem):
    status, slug, title = 409, "already-member", "Already a member"


class AlreadyInvited(Problem):
    status, slug, title = 409, "already-invited", "This address has an open invitation"

    def __init__(self) -> None:
        super().__init__("Send that one again, or take it back first.")


class InvitationUsed(Problem):
    status, slug, title = 409, "invitation-used", "This invitation was accepted before"


class TooManyInvitations(Problem):
    status, slug, title = 409, "too-many-invitations", "Too many invitations are open"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or f"{MAX_INVITATIONS} invitations are open. Take some back, or wait for answers.")


class SeatsExhausted(Problem):
    status, slug, title = 409, "seats-exhausted", "Every seat is taken"

    def __init__(self) -> None:
        super().__init__("The organisation needs another seat before anybody can join.")


class RoleUnknown(Problem):
    status, slug, title = 409, "role-unknown", "This organisation has no such role"

    def __init__(self) -> None:
        super().__init__(f"There are {', '.join(BUILT_IN)}, and the organisation's own.")


class RoleInUse(Problem):
    status, slug, title = 409, "role-in-use", "The role is in use"


class TooManyRoles(Problem):
    status, slug, title = 409, "too-many-roles", "There are too many roles"

    def __init__(self) -> None:
        super().__init__(f"An organisation can have {MAX_ROLES} roles of its own. Delete one first.")


class DomainClaimed(Problem):
    status, slug, title = 409, "domain-claimed", "Another organisation has proven this domain"


class DomainUnproven(Problem):
    status, slug, title = 409, "domain-unproven", "The TXT record is not there"


class TooManyDomains(Problem):
    status, slug, title = 409, "too-many-domains", "There are too many domains"

    def __init__(self) -> None:
        super().__init__(f"An organisation can have {MAX_DOMAINS} domains. Take one away first.")


class InvitationExpired(Problem):
    status, slug, title = 410, "invitation-expired", "This invitation is not open any more"

    def __init__(self) -> None:
        super().__init__("It was taken back, or is too old. Look for a newer mail, or ask to be invited again.")


class Status(StrEnum):
    ACTIVE = "active"
    DELETING = "deleting"
    ERASING = "erasing"


class Join(StrEnum):
    """Who comes in by a proven domain: everybody with an address there, or only who was invited."""

    ROLE = "role"
    INVITATION = "invitation"


@dataclass(frozen=True)
class Organisation:
    """`epoch` grows with every change of anybody's role, and a token made before such a change says a lower one."""

    id: str
    name: str
    slug: str
    status: Status
    owners: int
    members: int
    seats: int
    epoch: int
    invitations: int
    created_at: datetime
    version: int
    delete_at: datetime | None = None
    quota_of: str | None = None
    quota_slot: int | None = None


@dataclass(frozen=True)
class Member:
    organisation_id: str
    user_id: str
    role: str
    joined_at: datetime
    version: int


@dataclass(frozen=True)
class Invitation:
    """`address` is a MAC of the address, `sends` how often it was sent: only the newest link is good."""

    id: str
    organisation_id: str
    email: str
    address: str
    role: str
    sends: int
    mailed: int
    invited_by: str
    created_at: datetime
    expires_at: datetime
    version: int


@dataclass(frozen=True)
class Domain:
    organisation_id: str
    name: str
    value: str
    join: Join
    role: str
    created_at: datetime
    version: int
    verified_at: datetime | None = None

    @property
    def record(self) -> str:
        """Where the TXT record has to stand."""
        return f"_tessera.{self.name}"

    @property
    def lets_in(self) -> bool:
        return self.verified_at is not None and self.join is Join.ROLE


@dataclass(frozen=True)
class Role:
    """A role of the organisation's own. `assigned` counts members, open invitations and domains that name it."""

    name: str
    permissions: frozenset[str]
    assigned: int
    version: int


@dataclass(frozen=True)
class Entry:
    """One line of the organisation's audit trail."""

    id: str
    at: datetime
    action: str
    target: str
    actor: str
    actor_kind: str
    on_behalf_of: str | None = None
    detail: Mapping[str, str | int | bool | None] = field(default_factory=dict)


def check_role(mine: str, wanted: frozenset[str]) -> None:
    """Raises `RoleTooLow`. No role wanted means that being a member is enough."""
    if wanted and mine not in wanted:
        raise RoleTooLow(f"This is for {' and '.join(sorted(wanted))}; you are {mine} here.")


def check_reach(mine: str, *touched: str) -> None:
    """An admin neither touches an owner nor makes one. Raises `OwnersOnly`."""
    if mine != OWNER and OWNER in touched:
        raise OwnersOnly("An admin cannot change an owner, and cannot make one.")


def own(role: str | None) -> bool:
    """Whether this is a role of the organisation's own."""
    return role is not None and role not in BUILT_IN


def next_owner(members: list[Member], leaving: str) -> Member | None:
    """Who owns the organisation when its last owner is gone for good: the admin who has been there longest."""
    admins = [member for member in members if member.role == ADMIN and member.user_id != leaving]
    return min(admins, key=lambda member: (member.joined_at, member.user_id), default=None)
