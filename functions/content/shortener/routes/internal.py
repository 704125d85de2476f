from tessera.entry import Router

from ..actions import erase as actions
from ..schemas.places import ErasedOut, EraseIn
from .given import PREFIX, Accounts, Bound

router = Router(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, ports: Bound) -> ErasedOut:
    """Delete some of what an owner has. To be asked again until it answers done."""
    done, erased = actions.erase(ports, body.owner_id)
    return ErasedOut(done=done, erased=erased)
