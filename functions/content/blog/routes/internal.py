"""What only our own services ask."""

from typing import Annotated

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router

from ..actions import upkeep
from ..schemas.shelves import ErasedOut, EraseIn
from .shared import PREFIX, Bound

router = Router(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)
Accounts = Annotated[Principal, auth.service("accounts")]


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, ports: Bound) -> ErasedOut:
    """Let somebody be gone. To be asked again until it answers done."""
    done, erased = upkeep.erase(ports, body.owner_id)
    return ErasedOut(done=done, erased=erased)
