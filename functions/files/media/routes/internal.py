from fastapi import APIRouter

from ..actions import purge
from ..schemas.jobs import ErasedOut, EraseIn
from .given import PREFIX, Accounts, Bound

router = APIRouter(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, ports: Bound) -> ErasedOut:
    """Delete some of what was made for an owner. To be asked again until it answers done."""
    done, erased = purge.erase(ports, body.owner_id)
    return ErasedOut(done=done, erased=erased)
