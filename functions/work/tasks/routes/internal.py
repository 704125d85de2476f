from typing import Annotated

from fastapi import Query

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router
from tessera.searchable import SearchDocs

from ..actions import personal as actions
from ..actions import searchable
from ..schemas.tasks import ErasedOut, EraseIn, SearchDocsParams
from .given import Own, Tasks

router = Router(prefix="/tasks/internal", tags=["internal"], include_in_schema=False)

Accounts = Annotated[Principal, auth.service("accounts")]
Searching = Annotated[Principal, auth.service("search")]


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, own: Own) -> ErasedOut:
    """Delete some of what an owner has. To be asked again until it answers done."""
    done, erased = actions.erase(own, body.owner_id)
    return ErasedOut(done=done, erased=erased)


@router.get("/search-docs")
async def search_docs(asked: Annotated[SearchDocsParams, Query()], caller: Searching, tasks: Tasks) -> SearchDocs:
    """A task of an owner's, or all of them a page at a time, as `search` takes them in."""
    if asked.id is not None:
        return searchable.one(tasks, asked.owner_id, asked.id)
    return searchable.page(tasks, asked.owner_id, asked.cursor)
