from typing import Annotated

from fastapi import Path, Query, Response

from tessera import clock
from tessera.entry import Router, problems
from tessera.entry.jobs import JobOut, show_accepted
from tessera.problems import Busy, InvalidRequest, NotFound

from ..actions import manage, renew, take
from ..rules.problems import TooManySynonyms
from ..schemas import (
    DocumentsIn,
    DocumentsOut,
    PinIn,
    ReindexIn,
    StatsOut,
    SynonymIn,
    SynonymOut,
    SynonymsOut,
    TermParams,
)
from .given import Bound, Manager, Writer

router = Router(prefix="/search", tags=["search"])


@router.post("/documents", status_code=202, responses=problems(InvalidRequest))
async def put_documents(body: DocumentsIn, caller: Writer, ports: Bound) -> DocumentsOut:
    """Have up to a hundred documents indexed. Each is found within seconds; the newest `seq` of each wins."""
    return DocumentsOut(accepted=manage.take_in(ports, body.items))


@router.delete("/documents/{doc_id}", status_code=204, responses=problems(NotFound, Busy))
async def delete_document(
    doc_id: Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:-]{1,80}$", max_length=80)], caller: Manager, ports: Bound
) -> None:
    """Take a document out of the index until whoever keeps it tells of a newer version."""
    take.delete(ports, doc_id)


@router.post("/reindex", status_code=202, responses=problems(InvalidRequest))
async def reindex(body: ReindexIn, response: Response, caller: Manager, ports: Bound) -> JobOut:
    """Index a type anew, behind what is found meanwhile."""
    return show_accepted(response, "search", renew.start(ports, body.type, body.owner_id, by=caller))


@router.get("/stats")
async def stats(caller: Manager, ports: Bound) -> StatsOut:
    """How much is public in the index, and how far its averages have drifted from those of the epoch."""
    lengths, size = ports.indexing.lengths(), ports.admin.size("public")
    return StatsOut(
        epoch=lengths.epoch,
        documents=size.documents,
        averages=size.averages,
        frozen=dict(lengths.averages),
        drift=manage.drift(lengths, size),
        as_of=clock.now(),
    )


@router.get("/synonyms")
async def synonyms(caller: Manager, ports: Bound) -> SynonymsOut:
    """All synonyms."""
    return SynonymsOut(items=[SynonymOut(term=term, to=to) for term, to in ports.admin.synonyms().items()])


@router.put("/synonyms", responses=problems(InvalidRequest, TooManySynonyms, Busy))
async def put_synonym(body: SynonymIn, caller: Manager, ports: Bound) -> SynonymsOut:
    """Let a word also mean others, one way or both."""
    made = manage.put_synonyms(ports, body.term, body.to, two_way=body.two_way)
    return SynonymsOut(items=[SynonymOut(term=term, to=to) for term, to in made.items()])


@router.delete("/synonyms", status_code=204, responses=problems(InvalidRequest, NotFound, Busy))
async def delete_synonym(asked: Annotated[TermParams, Query()], caller: Manager, ports: Bound) -> None:
    """Let a word mean nothing but itself."""
    manage.delete_synonym(ports, asked.term)


@router.put("/pins", status_code=204, responses=problems(InvalidRequest))
async def pin(body: PinIn, caller: Manager, ports: Bound) -> None:
    """Let these documents stand on top of what a query finds, for whoever may see them."""
    manage.pin(ports, body.query, body.type, body.doc_ids)
