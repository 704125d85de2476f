from fastapi import APIRouter

from ..actions import manage
from ..schemas import ErasedOut, EraseIn
from .given import Accounts, Store

router = APIRouter(prefix="/outbox/internal", tags=["internal"], include_in_schema=False)


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, store: Store) -> ErasedOut:
    """Delete some of the mails to a person's addresses. To be asked again until it answers done."""
    return ErasedOut(done=manage.erase(store, body.addresses, body.owner_id))
