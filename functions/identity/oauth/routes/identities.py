"""A person's own identities elsewhere."""

from tessera.auth.problems import StepUpRequired
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound

from ..actions import identities
from ..rules.problems import IdentityTaken, LastSignInMethod, OtherAccount, TicketInvalid, TooManyIdentities
from ..schemas import IdentitiesOut, IdentityOut, LinkIn
from .shared import PREFIX, TAGS, Asked, Bound, Myself, MyselfJustNow, identity_out

router = Router(prefix=PREFIX, tags=TAGS)


@router.post(
    "/link/confirm",
    status_code=201,
    responses=problems(TicketInvalid, OtherAccount, IdentityTaken, TooManyIdentities, StepUpRequired, InvalidRequest),
)
async def confirm_link(body: LinkIn, caller: MyselfJustNow, ports: Bound, call: Asked) -> IdentityOut:
    """Add a provider to the account you have just signed in to."""
    return identity_out(identities.confirm_link(ports, body.link_ticket, caller=caller, call=call))


@router.get("/identities")
async def list_identities(caller: Myself, ports: Bound) -> IdentitiesOut:
    """The providers that open your account."""
    found = identities.list_identities(ports, str(caller.user_id))
    return IdentitiesOut(items=[identity_out(identity) for identity in found])


@router.delete(
    "/identities/{identity_id:ulid}",
    status_code=204,
    responses=problems(NotFound, LastSignInMethod, StepUpRequired),
)
async def unlink_identity(identity_id: str, caller: MyselfJustNow, ports: Bound, call: Asked) -> None:
    """Have a provider open your account no more."""
    identities.unlink(ports, identity_id, caller=caller, call=call)
