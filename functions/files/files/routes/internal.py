from typing import Annotated

from fastapi import Query

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router
from tessera.searchable import SearchDocs

from ..actions import others as actions
from ..actions import searchable
from ..rules.files import State
from ..schemas.internal import (
    ErasedOut,
    EraseIn,
    ResolvedOut,
    ResolveIn,
    ResolveOut,
    SearchDocsParams,
)
from .given import Bound

router = Router(prefix="/files/internal", tags=["internal"], include_in_schema=False)

Accounts = Annotated[Principal, auth.service("accounts")]
Searching = Annotated[Principal, auth.service("search")]
Showing = Annotated[Principal, auth.service("chat", "cms", "blog", "social", "outbox", "imports", "media")]


@router.post("/resolve")
async def resolve(body: ResolveIn, caller: Showing, ports: Bound) -> ResolveOut:
    """What these files are, of those that somebody may read; where their bytes are, of those that are clean."""
    found = actions.resolve(ports, body.ids, body.on_behalf_of)
    return ResolveOut(
        items=[
            ResolvedOut(
                id=file.id,
                state=file.shown_state,
                owner_id=file.owner_id,
                name=file.name,
                type=file.type,
                size=file.size,
                etag=file.etag,
                bucket=ports.objects.clean if file.state is State.CLEAN else None,
                key=file.key if file.state is State.CLEAN else None,
                n=file.n,
                role=role,
            )
            for file, role in found
        ]
    )


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, ports: Bound) -> ErasedOut:
    """Delete some of what an owner has. To be asked again until it answers done."""
    done, erased = actions.erase(ports, body.owner_id)
    return ErasedOut(done=done, erased=erased)


@router.get("/search-docs")
async def search_docs(asked: Annotated[SearchDocsParams, Query()], caller: Searching, ports: Bound) -> SearchDocs:
    """A file of an owner's, or all of them a page at a time, as `search` takes them in."""
    if asked.id is not None:
        return searchable.one(ports, asked.owner_id, asked.id)
    return searchable.page(ports, asked.owner_id, asked.cursor)
