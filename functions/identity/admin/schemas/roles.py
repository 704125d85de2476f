from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tessera.types import Cursor, In, Instant, Limit, Out, Params, Ulid, text

from .people import Email, RoleName, Roles, Short

MAX_PERMISSIONS, MAX_KNOWN = 200, 400
Permission = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*:[a-z_]+$", min_length=3, max_length=80)]
Description = Annotated[str, text(300)]
Held = Annotated[list[Short], Field(max_length=MAX_KNOWN)]


class RoleIn(In):
    name: RoleName
    permissions: Annotated[list[Permission], Field(min_length=1, max_length=MAX_PERMISSIONS)]
    description: Description | None = None


class RoleChangeIn(In):
    permissions: Annotated[list[Permission], Field(min_length=1, max_length=MAX_PERMISSIONS)]
    description: Description | None = None


class RoleOut(Out):
    """`assigned` is how many hold it, or are being given it."""

    name: Short
    description: Short | None
    permissions: Held
    assigned: int
    version: int


class RolesOut(Out):
    items: Annotated[list[RoleOut], Field(max_length=100)]


class GroupOut(Out):
    """Who holds these: `yes`, `no`, or how far, by role."""

    title: Short
    permissions: Held
    roles: dict[Annotated[str, StringConstraints(max_length=40)], Short]


class PermissionsOut(Out):
    items: Annotated[list[GroupOut], Field(max_length=200)]


class WhoAmIOut(Out):
    """What the credential of this request is good for. `actor` is who really acts."""

    kind: Literal["user", "api_key"]
    id: Short
    user_id: Ulid | None
    roles: Annotated[list[Short], Field(max_length=30)]
    staff: bool
    aal: int
    organisation: Ulid | None
    permissions: Held
    actor: Short | None


class CheckIn(In):
    """Somebody's permission; without `user_id` one's own, with `roles` that of anybody who had them."""

    permission: Permission
    user_id: Ulid | None = None
    roles: Roles | None = None


class BecauseOut(Out):
    role: Short
    through: Short
    built_in: bool
    limit: Short | None


class CheckOut(Out):
    """`because` leads from each role to the permission; `would` names the roles that would give it."""

    permission: Short
    allowed: bool
    roles: Annotated[list[Short], Field(max_length=30)]
    because: Annotated[list[BecauseOut], Field(max_length=60)]
    would: Annotated[list[Short], Field(max_length=100)]


class InvitationIn(In):
    email: Email
    roles: Annotated[list[RoleName], Field(min_length=1, max_length=10)]


class InvitationParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class InvitationOut(Out):
    id: Ulid
    email: Short
    roles: Annotated[list[Short], Field(max_length=20)]
    state: Literal["open", "accepting", "accepted", "cancelled", "expired"]
    invited_by: Short
    created_at: Instant
    expires_at: Instant
    accepted_at: Instant | None


class AcceptIn(In):
    token: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", min_length=20, max_length=100)]


class AcceptedOut(Out):
    """Refresh the token to have the roles in it."""

    invitation_id: Ulid
    roles: Annotated[list[Short], Field(max_length=20)]
