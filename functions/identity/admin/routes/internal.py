"""Internal routes: erasure, and the setup token for whoever may invoke this function."""

from typing import Annotated

from tessera import auth
from tessera.auth.invited import InvitedIn, InvitedOut
from tessera.auth.principal import Principal
from tessera.entry import Router, problems

from ..actions import erasures, invite, setup
from ..rules import OwnerExists
from ..schemas.others import ErasedOut, EraseIn, SetupTokenOut
from .shared import PREFIX, Asked, Bound

router = Router(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)

Accounts = Annotated[Principal, auth.service("accounts")]
# Nobody of ours: the person who deploys, by an invocation with their own credentials.
Seed = Annotated[Principal, auth.service("seed")]


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, ports: Bound) -> ErasedOut:
    """Delete some of what an owner has. To be asked again until it answers done."""
    done, erased = erasures.erase(ports, body.owner_id, body.addresses)
    return ErasedOut(done=done, erased=erased)


@router.post("/invited")
async def is_invited(body: InvitedIn, caller: Accounts, ports: Bound) -> InvitedOut:
    """Whether an invitation is open and was sent to this address."""
    return InvitedOut(invited=invite.is_invited(ports, body.token, body.email))


@router.post("/setup-token", responses=problems(OwnerExists))
async def make_setup_token(caller: Seed, ports: Bound, call: Asked) -> SetupTokenOut:
    """A token that makes the first owner. It replaces the one before."""
    return SetupTokenOut(token=setup.new_token(ports, caller=caller, call=call))
