"""What only our own services ask."""

from typing import Annotated

from fastapi import Query

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router
from tessera.problems import NotFound
from tessera.searchable import SearchDocs

from ..actions import marks, searchable, upkeep
from ..schemas.messages import RpcIn, RpcOut
from ..schemas.rooms import ErasedOut, EraseIn, MembershipIn, MembershipOut, SearchDocsParams, SeenRoomOut
from .shared import PREFIX, Bound

router = Router(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)
Accounts = Annotated[Principal, auth.service("accounts")]
Searching = Annotated[Principal, auth.service("search")]
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


@router.get("/search-docs")
async def search_docs(asked: Annotated[SearchDocsParams, Query()], caller: Searching, ports: Bound) -> SearchDocs:
    """A message as `search` takes it in."""
    return searchable.one(ports, asked.room_id, asked.id)


@router.post("/membership")
async def membership(body: MembershipIn, caller: Searching, ports: Bound) -> MembershipOut:
    """In which of these rooms somebody is; without any, in which they are that were used last."""
    found = searchable.membership(ports, body.user_id, body.room_ids)
    return MembershipOut(items=[SeenRoomOut(room_id=room_id, first_visible=first) for room_id, first in found])
