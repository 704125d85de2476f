"""What our own services ask."""

from typing import Annotated

from fastapi import Query

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router
from tessera.types import Params, Ulid

from ..actions import erase as erasing
from ..actions import identities
from ..schemas import ErasedOut, EraseIn, IdentitiesOut
from .shared import PREFIX, Bound, identity_out

router = Router(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)
Accounts = Annotated[Principal, auth.service("accounts")]
Reader = Annotated[Principal, auth.service("admin", "accounts")]


class OfUser(Params):
    user_id: Ulid


@router.get("/identities")
async def list_identities_of(asked: Annotated[OfUser, Query()], caller: Reader, ports: Bound) -> IdentitiesOut:
    """The providers that open somebody's account."""
    return IdentitiesOut(items=[identity_out(one) for one in identities.list_identities(ports, asked.user_id)])


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, ports: Bound) -> ErasedOut:
    """Delete some of what an owner has. To be asked again until it answers done."""
    done, erased = erasing.erase(ports, body.owner_id)
    return ErasedOut(done=done, erased=erased)
