from typing import Annotated

from fastapi import Query

from tessera import clock
from tessera.auth.problems import CredentialsMissing, InsufficientScope
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound, Unavailable

from ..actions import access, find
from ..rules.documents import TOP
from ..rules.expand import Kind
from ..rules.results import Result, Results, Sought
from ..schemas import (
    CorrectionOut,
    ExplainedMatchOut,
    ExplainedOut,
    HighlightOut,
    MatchedOut,
    ResultOut,
    SearchOut,
    SearchParams,
    SimilarIn,
    SimilarOut,
    SuggestOut,
    SuggestParams,
    TitleOut,
    TotalOut,
)
from .given import Anybody, Bound, Keys, reader

router = Router(prefix="/search", tags=["search"])
ROUTE = "GET /search"


@router.get(
    "", responses=problems(InvalidRequest, InvalidCursor, NotFound, CredentialsMissing, InsufficientScope, Unavailable)
)
async def search(asked: Annotated[SearchParams, Query()], caller: Anybody, ports: Bound, keys: Keys) -> SearchOut:
    """What is found in all content you may see: words, `"a phrase"`, `-word`, `tag:x`, `type:x`, `author:x`."""
    started = clock.monotonic()
    state = keys.state(reader(caller), ROUTE, asked, asked.cursor)
    scopes = access.scopes(ports, caller, asked.in_)
    sought = Sought(
        q=asked.q,
        types=tuple(asked.type),
        tags=tuple(find.folded_tags(asked.tag)),
        since=asked.from_,
        until=asked.to,
        lang=asked.lang or "",
        limit=asked.limit,
        offset=state["offset"] if state else 0,
        highlight=_is_on(asked.highlight),
        explain=_is_on(asked.explain),
    )
    found = find.search(ports, sought, scopes)
    if state is not None and state["epoch"] != found.epoch:
        # Places in the ranking of another epoch are not places in this one.
        raise InvalidCursor
    following = {"offset": found.next, "epoch": found.epoch} if found.next is not None else None
    shown = keys.cursor(caller, ROUTE, asked, following)
    return _search_out(found, shown, round((clock.monotonic() - started) * 1000, 2), explained=sought.explain)


@router.get("/suggest", responses=problems(InvalidRequest, InsufficientScope))
async def suggest(asked: Annotated[SuggestParams, Query()], caller: Anybody, ports: Bound) -> SuggestOut:
    """Words that begin as the last one does, and titles with them, ten in all."""
    terms, cards = find.suggest(ports, asked.q, access.scopes(ports, reader(caller), ()))
    titles = [TitleOut(id=card.pk.partition("#")[2], type=card.type, title=card.title, url=card.url) for card in cards]
    return SuggestOut(terms=terms, titles=titles)


@router.post("/similar", responses=problems(InvalidRequest, NotFound, InsufficientScope, Unavailable))
async def similar(body: SimilarIn, caller: Anybody, ports: Bound) -> SimilarOut:
    """What shares with a document the words that tell most of it."""
    found = find.similar(ports, body.doc_id, body.limit, reader(caller))
    return SimilarOut(items=[_result_out(one, explained=False) for one in found])


def _is_on(flag: str) -> bool:
    return flag in ("1", "true")


def _search_out(found: Results, following: str | None, took_ms: float, *, explained: bool) -> SearchOut:
    told = found.explained
    return SearchOut(
        items=[_result_out(one, explained=explained) for one in found.items],
        next=following,
        total=TotalOut(value=found.total, relation="eq" if found.all_seen else "gte"),
        exact=found.exact,
        corrections=[CorrectionOut(word=word, meant=meant) for word, meant in found.corrections],
        warnings=list(found.warnings),
        took_ms=took_ms,
        explain=ExplainedOut.model_validate(told) if told is not None else None,
    )


def _result_out(one: Result, *, explained: bool) -> ResultOut:
    matches = [
        ExplainedMatchOut(
            word=match.word,
            term=match.option.term,
            kind=match.option.kind.value,
            impact=round(match.q / TOP, 6),
            worth=round(match.worth, 6),
        )
        for match in one.matches
    ]
    return ResultOut(
        id=one.id,
        type=one.type,
        title=one.title,
        url=one.url,
        snippet=one.snippet,
        highlights=[HighlightOut(offset=mark.offset, length=mark.length) for mark in one.highlights],
        score=one.score,
        matched=MatchedOut(
            exact=one.matched(Kind.EXACT),
            stem=one.matched(Kind.STEM),
            synonym=one.matched(Kind.SYNONYM),
            prefix=one.matched(Kind.PREFIX),
            typo=one.matched(Kind.TYPO),
        ),
        pinned=one.pinned,
        updated_at=one.updated_at,
        explain=matches if explained else None,
    )
