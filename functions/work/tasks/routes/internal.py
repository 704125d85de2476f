from typing import Annotated

from fastapi import APIRouter

from tessera import auth
from tessera.auth.principal import Principal

from ..actions import personal as actions
from ..schemas.tasks import ErasedOut, EraseIn
from .given import Own

router = APIRouter(prefix="/tasks/internal", tags=["internal"], include_in_schema=False)

Accounts = Annotated[Principal, auth.service("accounts")]


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, own: Own) -> ErasedOut:
    """Delete some of what an owner has. To be asked again until it answers done."""
    done, erased = actions.erase(own, body.owner_id)
    return ErasedOut(done=done, erased=erased)
