"""What only our own services ask."""

from typing import Annotated

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router

from ..actions import erase as actions
from ..schemas import ErasedOut, EraseIn
from .given import PREFIX, Hub

router = Router(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)
Accounts = Annotated[Principal, auth.service("accounts")]


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, hub: Hub) -> ErasedOut:
    """Delete some of what an owner has. To be asked again until it answers done."""
    done, erased = actions.erase(hub, body.owner_id)
    return ErasedOut(done=done, erased=erased)
