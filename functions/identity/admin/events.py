"""What `admin` tells the rest.

`role.defined` is for whoever keeps a copy of what roles give: `accounts` reads the definitions themselves when it
makes a token, so nobody listens to it yet. Nobody listens to the others either; they are for a person's activity
list and for notifications.
"""

from typing import ClassVar

from tessera.bus import Event


class RoleDefined(Event):
    """A role gives these permissions from now on; none, when it was deleted."""

    type: ClassVar[str] = "admin.role.defined.v1"

    role: str
    permissions: list[str]
    deleted: bool = False


class RoleAssigned(Event):
    """Somebody has exactly these roles now."""

    type: ClassVar[str] = "admin.role.assigned.v1"

    user_id: str
    roles: list[str]
    by: str


class InvitationCreated(Event):
    type: ClassVar[str] = "admin.invitation.created.v1"

    invitation_id: str
    roles: list[str]
    by: str


class InvitationAccepted(Event):
    type: ClassVar[str] = "admin.invitation.accepted.v1"

    invitation_id: str
    user_id: str
    roles: list[str]


class ImpersonationStarted(Event):
    type: ClassVar[str] = "admin.impersonation.started.v1"

    impersonation_id: str
    user_id: str
    actor_id: str
    write: bool


class ImpersonationEnded(Event):
    type: ClassVar[str] = "admin.impersonation.ended.v1"

    impersonation_id: str
    user_id: str
    actor_id: str
