"""What other capabilities ask of organisations."""

from typing import Annotated

from tessera import auth
from tessera.auth.invited import InvitedIn, InvitedOut
from tessera.auth.principal import Principal
from tessera.entry import Router, problems
from tessera.problems import NotFound

from ..actions import invitations, upkeep
from ..rules.organisation import OrganisationActive
from ..schemas import ErasedOut, EraseIn, MembershipIn, MembershipOut, SeatsIn, SeatsOut
from .shared import PREFIX, Asked, Bound

router = Router(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)
Issuers = Annotated[Principal, auth.service("accounts", "apikeys")]
Accounts = Annotated[Principal, auth.service("accounts")]
Subscriptions = Annotated[Principal, auth.service("subscriptions")]


@router.post("/membership", responses=problems(NotFound))
async def get_membership(body: MembershipIn, caller: Issuers, ports: Bound) -> MembershipOut:
    """What a token for the organisation says of this member, and whether they may make keys of it."""
    found, member, role = upkeep.membership(ports, body.organisation_id, body.user_id)
    permissions = sorted(role.permissions) if role is not None else None
    return MembershipOut(role=member.role, epoch=found.epoch, permissions=permissions)


@router.post("/invited")
async def is_invited(body: InvitedIn, caller: Accounts, ports: Bound) -> InvitedOut:
    """Whether an invitation is open and was sent to this address."""
    return InvitedOut(invited=invitations.is_invited(ports, body.token, body.email))


@router.post("/seats", responses=problems(NotFound))
async def set_seats(body: SeatsIn, caller: Subscriptions, ports: Bound, call: Asked) -> SeatsOut:
    """How many may be members from now on. Nobody is put out."""
    return SeatsOut.of(upkeep.set_seats(ports, body.organisation_id, body.seats, by=caller, call=call))


@router.post("/erase", responses=problems(OrganisationActive))
async def erase(body: EraseIn, caller: Accounts, ports: Bound) -> ErasedOut:
    """Delete some of what an owner has. To be asked again until it answers done."""
    done, erased = upkeep.erase(ports, body.owner_id, by=caller)
    return ErasedOut(done=done, erased=erased)
