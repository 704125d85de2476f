"""What `organisations` tells the rest.

`organisations.invitation.sent` comes back to its own queue, whose worker asks for the mail. `member.removed` is for
`realtime`, which closes the connections of who is out; `organisation.deleted` and `organisation.restored` are for
`apikeys`, where the keys of an organisation rest meanwhile. `organisation.created` and `updated`, `member.added` and
`member.role_changed` have no consumer yet and are for a product's own. `privacy.data.erased` is for `admin`, which
keeps the proof.
"""

from typing import ClassVar

from tessera.bus import Event
from tessera.types import Instant, Model


class _OfOrganisation(Model):
    """Which organisation, and who did it: a user, or the capability that acted by itself."""

    organisation_id: str
    by: str


class OrganisationCreated(_OfOrganisation, Event):
    type: ClassVar[str] = "organisations.organisation.created.v1"


class OrganisationUpdated(_OfOrganisation, Event):
    """`changed` names fields, and `domains` or `roles` when those of the organisation changed."""

    type: ClassVar[str] = "organisations.organisation.updated.v1"

    changed: tuple[str, ...]


class OrganisationDeleted(_OfOrganisation, Event):
    """It is gone for its members now, and for good from `delete_at` on."""

    type: ClassVar[str] = "organisations.organisation.deleted.v1"

    delete_at: Instant


class OrganisationRestored(_OfOrganisation, Event):
    type: ClassVar[str] = "organisations.organisation.restored.v1"


class MemberAdded(_OfOrganisation, Event):
    type: ClassVar[str] = "organisations.member.added.v1"

    user_id: str
    role: str


class MemberRemoved(_OfOrganisation, Event):
    type: ClassVar[str] = "organisations.member.removed.v1"

    user_id: str


class MemberRoleChanged(_OfOrganisation, Event):
    type: ClassVar[str] = "organisations.member.role_changed.v1"

    user_id: str
    role: str
    before: str


class InvitationSent(_OfOrganisation, Event):
    """`number` counts the sendings of one invitation. No address travels on the bus."""

    type: ClassVar[str] = "organisations.invitation.sent.v1"

    invitation_id: str
    number: int


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
