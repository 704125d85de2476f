"""What reaches `organisations` other than HTTP: invitations to be mailed, and what has become due."""

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On
from tessera.types import Model

from .actions import invitations, upkeep
from .ports import Ports


class InvitationToMail(Model):
    """The part of `organisations.invitation.sent` that says which mail."""

    organisation_id: str
    invitation_id: str
    number: int


def mail(wanted: InvitationToMail, received: Envelope, bindings: Bindings) -> None:
    # No record of seen events: the invitation itself says how often it was mailed.
    invitations.mail(bindings.get(Ports), wanted.organisation_id, wanted.invitation_id, wanted.number)


def come_due(item: DueItem, bindings: Bindings) -> None:
    """An organisation past its grace, or an invitation past its time."""
    ports, organisation_id = bindings.get(Ports), item.pk.partition("#")[2]
    kind, _, invitation_id = item.sk.partition("#")
    if kind == "I":
        invitations.expire(ports, organisation_id, invitation_id, item.due_sk, by=upkeep.MYSELF)
    else:
        upkeep.end(ports, organisation_id, item.due_sk)


ENTRIES = Entries(events=[On("organisations.invitation.sent.v1", InvitationToMail, mail)], due=come_due)
