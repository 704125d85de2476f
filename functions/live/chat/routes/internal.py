"""What only our own services ask."""

from typing import Annotated

from fastapi import APIRouter

from tessera import auth
from tessera.auth.principal import Principal
from tessera.problems import NotFound

from ..actions import marks, upkeep
from ..schemas.messages import RpcIn, RpcOut
from ..schemas.rooms import ErasedOut, EraseIn
from .shared import PREFIX, Bound

router = APIRouter(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)
Accounts = Annotated[Principal, auth.service("accounts")]
Hub = Annotated[Principal, auth.service("realtime")]


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, ports: Bound) -> ErasedOut:
    """Let somebody be gone. To be asked again until it answers done."""
    done, erased = upkeep.erase(ports, body.owner_id)
    return ErasedOut(done=done, erased=erased)


@router.post("/rpc")
async def call_method(body: RpcIn, caller: Hub, ports: Bound) -> RpcOut:
    """`chat.typing` and `chat.read` of a connected client, on whose behalf the hub asks."""
    if caller.on_behalf_of is None:
        raise NotFound("This is done on behalf of a user.")
    return RpcOut(result=marks.rpc(ports, body.method, body.data, by=caller.on_behalf_of))
