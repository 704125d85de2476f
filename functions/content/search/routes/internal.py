from tessera.entry import Router

from ..actions import take
from ..schemas import ErasedOut, EraseIn
from .given import Accounts, Bound

router = Router(prefix="/search/internal", tags=["internal"], include_in_schema=False)


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, ports: Bound) -> ErasedOut:
    """Take out some of what only an owner could see. To be asked again until it answers done."""
    done, erased = take.erase(ports, body.owner_id)
    return ErasedOut(done=done, erased=erased)
