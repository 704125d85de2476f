"""Bodies, in and out."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints

from tessera.types import Cursor, In, Instant, Limit, Name, Out, Params, Patch, Ulid, absent

from .rules.organisation import (
    MAX_DOMAINS,
    MAX_ROLES,
    Domain,
    Entry,
    Invitation,
    Join,
    Member,
    Organisation,
    Role,
    Status,
)
from .rules.slugs import MAX_LENGTH, MIN_LENGTH, PATTERN
from .rules.tokens import MAX_CHARACTERS

# Bidirectional controls, joiners and blank letters make one name look like another (UTS 39), and names stand in mails.
_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def _seen(value: str) -> str:
    if _HIDDEN.search(value):
        raise ValueError("it holds characters that cannot be seen")
    return value


OrganisationName = Annotated[Name, AfterValidator(_seen)]
SlugText = Annotated[str, StringConstraints(pattern=PATTERN, min_length=MIN_LENGTH, max_length=MAX_LENGTH)]
RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}$", min_length=2, max_length=40)]
EmailText = Annotated[str, StringConstraints(min_length=3, max_length=320)]
TokenText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CHARACTERS)]
Permission = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*:[a-z_]+$", min_length=3, max_length=60)]
Short = Annotated[str, Field(max_length=300)]
Count = Annotated[int, Field(ge=0)]


class PageParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class OrganisationIn(In):
    """The slug stands for the organisation in addresses: a-z, 0-9 and single hyphens."""

    name: OrganisationName
    slug: SlugText


class OrganisationPatch(Patch):
    name: OrganisationName = absent()
    slug: SlugText = absent()


class OrganisationOut(Out):
    """`role` is your own in it. `delete_at` is when one that is being deleted is gone for good."""

    id: Ulid
    name: Short
    slug: Short
    role: Short
    status: Status
    members: Count
    created_at: Instant
    delete_at: Instant | None

    @classmethod
    def of(cls, found: Organisation, role: str) -> Self:
        same = ("id", "name", "slug", "status", "members", "created_at", "delete_at")
        return cls(role=role, **{name: getattr(found, name) for name in same})


class MemberOut(Out):
    user_id: Ulid
    role: Short
    joined_at: Instant

    @classmethod
    def of(cls, member: Member) -> Self:
        return cls(user_id=member.user_id, role=member.role, joined_at=member.joined_at)


class MemberPatch(Patch):
    """owner, admin, member, viewer, or a role of the organisation's own."""

    role: RoleName


class TransferIn(In):
    user_id: Ulid


class JoinedOut(Out):
    organisation_id: Ulid
    name: Short
    slug: Short
    role: Short
    joined_at: Instant

    @classmethod
    def of(cls, found: Organisation, member: Member) -> Self:
        return cls(
            organisation_id=found.id, name=found.name, slug=found.slug, role=member.role, joined_at=member.joined_at
        )


class InvitationIn(In):
    email: EmailText
    role: RoleName = "member"


class InvitationOut(Out):
    """An open one. `sends` counts its mails, of which only the newest has a link that is good."""

    id: Ulid
    email: EmailText
    role: Short
    sends: Count
    invited_by: Ulid
    created_at: Instant
    expires_at: Instant

    @classmethod
    def of(cls, invitation: Invitation) -> Self:
        return cls(**{name: getattr(invitation, name) for name in cls.model_fields})


class AcceptIn(In):
    """What stands behind the `=` of the mail's link."""

    token: TokenText


class JoinableOut(Out):
    """An organisation that the domain of your address lets you join, and the role you would have."""

    organisation_id: Ulid
    name: Short
    slug: Short
    role: Short

    @classmethod
    def of(cls, found: Organisation, domain: Domain) -> Self:
        return cls(organisation_id=found.id, name=found.name, slug=found.slug, role=domain.role)


class JoinablesOut(Out):
    items: Annotated[list[JoinableOut], Field(max_length=10)]


class DomainIn(In):
    """`role`: whoever has a confirmed address there may join, as `role`. `invitation`: only who was invited."""

    join: Join = Join.INVITATION
    role: RoleName = "member"


class RecordOut(Out):
    """What has to stand in the DNS."""

    type: Literal["TXT"] = "TXT"
    name: Short
    value: Short


class DomainOut(Out):
    domain: Short
    state: Literal["pending", "verified"]
    join: Join
    role: Short
    record: RecordOut
    created_at: Instant
    verified_at: Instant | None

    @classmethod
    def of(cls, found: Domain) -> Self:
        return cls(
            domain=found.name,
            state="pending" if found.verified_at is None else "verified",
            join=found.join,
            role=found.role,
            record=RecordOut(name=found.record, value=found.value),
            created_at=found.created_at,
            verified_at=found.verified_at,
        )


class DomainsOut(Out):
    items: Annotated[list[DomainOut], Field(max_length=MAX_DOMAINS)]


class RoleIn(In):
    """Permissions that a user holds, or fewer: a role never gives more than being a member does."""

    permissions: Annotated[list[Permission], Field(max_length=200)]


class RoleOut(Out):
    """`assigned` counts members, open invitations and domains that name the role."""

    name: Short
    permissions: Annotated[list[Short], Field(max_length=200)]
    assigned: Count

    @classmethod
    def of(cls, role: Role) -> Self:
        return cls(name=role.name, permissions=sorted(role.permissions), assigned=role.assigned)


class RolesOut(Out):
    items: Annotated[list[RoleOut], Field(max_length=MAX_ROLES)]


class EntryOut(Out):
    id: Ulid
    at: Instant
    action: Short
    target: Short
    actor: Short
    actor_kind: Short
    on_behalf_of: Short | None
    detail: dict[str, Annotated[str, Field(max_length=15_000)] | int | bool | None]

    @classmethod
    def of(cls, entry: Entry) -> Self:
        return cls(**{**{name: getattr(entry, name) for name in cls.model_fields}, "detail": dict(entry.detail)})


class SeatsOut(Out):
    """`invited` counts open invitations, each of which will want a seat."""

    used: Count
    limit: Count
    invited: Count

    @classmethod
    def of(cls, found: Organisation) -> Self:
        return cls(used=found.members, limit=found.seats, invited=found.invitations)


class MembershipIn(In):
    organisation_id: Ulid
    user_id: Ulid


class MembershipOut(Out):
    """`permissions` are those of a role of the organisation's own."""

    role: Short
    epoch: int
    permissions: Annotated[list[Short], Field(max_length=200)] | None = None


class SeatsIn(In):
    organisation_id: Ulid
    seats: Annotated[int, Field(ge=1, le=1_000_000)]


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Count
