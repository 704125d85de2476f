from typing import Annotated

from fastapi import Query, Response

from tessera import auth
from tessera.auth.principal import Principal
from tessera.cursors import InvalidCursor
from tessera.entry import Router, bound, problems
from tessera.entry.headers import IdempotencyKey, show_created, show_version
from tessera.entry.signing import Signing
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, InvalidRequest, NotFound
from tessera.types import Page

from .schemas import ErasedOut, EraseIn, ItemIn, ItemOut, ItemParams
from .store import GiftCards

router = Router(prefix="/gift-cards", tags=["gift-cards"])
internal = Router(prefix="/gift-cards/internal", tags=["internal"], include_in_schema=False)

Reader = Annotated[Principal, auth.require("gift-cards:read")]
Writer = Annotated[Principal, auth.require("gift-cards:write")]
Accounts = Annotated[Principal, auth.service("accounts")]
Store = Annotated[GiftCards, bound(GiftCards)]
Keys = Annotated[Signing, bound(Signing)]


@router.post("", status_code=201, responses=problems(InvalidRequest, IdempotencyMismatch, Gone))
async def create_item(
    body: ItemIn, response: Response, caller: Writer, store: Store, keys: Keys, key: IdempotencyKey = None
) -> ItemOut:
    """Make an item."""
    intent = keys.intent(key, caller, "POST /gift-cards", body)
    item, replayed = store.create(caller.owner_id, body.name, intent)
    show_created(response, location=f"/gift-cards/{item.id}", version=item.version, replayed=replayed)
    return ItemOut(id=item.id, name=item.name, created_at=item.created_at)


@router.get("", responses=problems(InvalidRequest, InvalidCursor))
async def list_items(asked: Annotated[ItemParams, Query()], caller: Reader, store: Store, keys: Keys) -> Page[ItemOut]:
    """Your items, the newest first."""
    route = "GET /gift-cards"
    state = keys.state(caller, route, asked, asked.cursor)
    items, after = store.page(caller.owner_id, asked.limit, state["after"] if state else None)
    following = keys.cursor(caller, route, asked, {"after": after} if after else None)
    shown = [ItemOut(id=item.id, name=item.name, created_at=item.created_at) for item in items]
    return Page[ItemOut](items=shown, next=following)


@router.get("/{item_id:ulid}", responses=problems(NotFound))
async def get_item(item_id: str, response: Response, caller: Reader, store: Store) -> ItemOut:
    """One item."""
    item = store.get(caller.owner_id, item_id)
    show_version(response, item.version)
    return ItemOut(id=item.id, name=item.name, created_at=item.created_at)


@router.delete("/{item_id:ulid}", status_code=204, responses=problems(NotFound))
async def delete_item(item_id: str, caller: Writer, store: Store) -> None:
    """Delete an item for good."""
    store.delete(caller.owner_id, item_id)


@internal.post("/erase")
async def erase(body: EraseIn, caller: Accounts, store: Store) -> ErasedOut:
    """Delete some of what an owner has. To be asked again until it answers done."""
    done, erased = store.erase(body.owner_id)
    return ErasedOut(done=done, erased=erased)
