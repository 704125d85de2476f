"""What only our own services ask."""

from typing import Annotated

from fastapi import Query

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router
from tessera.types import MAX_PAGE

from ..actions import follow
from ..schemas import ErasedOut, EraseIn, KeysOut, UserParams
from .shared import PREFIX, Bound, all_shown

router = Router(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)
Accounts = Annotated[Principal, auth.service("accounts")]
Admin = Annotated[Principal, auth.service("admin")]


@router.get("/keys")
async def list_keys_of_user(asked: Annotated[UserParams, Query()], caller: Admin, ports: Bound) -> KeysOut:
    """The newest keys of a user."""
    return KeysOut(items=all_shown(ports, ports.keys.page(asked.user_id, MAX_PAGE, None)[0]))


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, ports: Bound) -> ErasedOut:
    """Delete some of an owner's keys. To be asked again until it answers done."""
    done, erased = follow.erase(ports, body.owner_id)
    return ErasedOut(done=done, erased=erased)
