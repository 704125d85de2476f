from typing import Annotated, Literal

from pydantic import Field

from tessera.searchable import MAX_BODY, DocumentId, Kind
from tessera.types import Cursor, In, Instant, Out, Params, Ulid, text

MAX_Q = 256
Query = Annotated[str, text(MAX_Q)]
Type = Kind
Tag = Annotated[str, text(40)]
Place = Annotated[str, Field(pattern=r"^(mine|rooms|(room|space|feed):[A-Za-z0-9_.-]{1,64})$", max_length=70)]
Lang = Annotated[str, Field(pattern=r"^[a-z]{2}$", max_length=2)]
Flag = Literal["1", "0", "true", "false"]
Word = Annotated[str, text(40)]


class SearchParams(Params):
    q: Query
    type: Annotated[list[Type], Field(max_length=10, default_factory=list)]
    in_: Annotated[list[Place], Field(max_length=5, alias="in", default_factory=list)]
    tag: Annotated[list[Tag], Field(max_length=10, default_factory=list)]
    from_: Annotated[Instant | None, Field(alias="from")] = None
    to: Instant | None = None
    lang: Lang | None = None
    limit: Annotated[int, Field(ge=1, le=50)] = 20
    cursor: Cursor | None = None
    highlight: Flag = "0"
    explain: Flag = "0"


class SuggestParams(Params):
    q: Query


class HighlightOut(Out):
    offset: int
    length: int


class MatchedOut(Out):
    """By how many words it was found in which way."""

    exact: int
    stem: int
    synonym: int
    prefix: int
    typo: int


class ExplainedMatchOut(Out):
    word: Annotated[str, Field(max_length=50)]
    term: Annotated[str, Field(max_length=50)]
    kind: Annotated[str, Field(max_length=20)]
    impact: float
    worth: float


class ResultOut(Out):
    id: Annotated[str, Field(max_length=80)]
    type: Annotated[str, Field(max_length=20)]
    title: Annotated[str, Field(max_length=300)]
    url: Annotated[str, Field(max_length=2_048)]
    snippet: Annotated[str, Field(max_length=2_000)]
    highlights: Annotated[list[HighlightOut], Field(max_length=200)]
    score: float
    matched: MatchedOut
    pinned: bool
    updated_at: Instant
    explain: Annotated[list[ExplainedMatchOut], Field(max_length=40)] | None = None


class TotalOut(Out):
    value: int
    relation: Literal["eq", "gte"]


class CorrectionOut(Out):
    word: Annotated[str, Field(max_length=50)]
    meant: Annotated[str, Field(max_length=50)]


class ExplainedOut(Out):
    words: dict[str, Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=20)]]
    scopes: Annotated[list[Annotated[str, Field(max_length=70)]], Field(max_length=7)]
    lists: int
    postings: int
    rounds: int


class SearchOut(Out):
    items: Annotated[list[ResultOut], Field(max_length=60)]
    next: Annotated[str, Field(max_length=1_024)] | None
    total: TotalOut
    exact: bool
    corrections: Annotated[list[CorrectionOut], Field(max_length=8)]
    warnings: Annotated[list[Annotated[str, Field(max_length=2_000)]], Field(max_length=5)]
    took_ms: float
    explain: ExplainedOut | None = None


class TitleOut(Out):
    id: Annotated[str, Field(max_length=80)]
    type: Annotated[str, Field(max_length=20)]
    title: Annotated[str, Field(max_length=300)]
    url: Annotated[str, Field(max_length=2_048)]


class SuggestOut(Out):
    terms: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=10)]
    titles: Annotated[list[TitleOut], Field(max_length=10)]


class SimilarIn(In):
    doc_id: DocumentId
    limit: Annotated[int, Field(ge=1, le=50)] = 10


class SimilarOut(Out):
    items: Annotated[list[ResultOut], Field(max_length=50)]


class DocumentIn(In):
    """A document to be found, or with `deleted` to be found no more. The newest `seq` wins."""

    id: DocumentId
    seq: Annotated[int, Field(ge=0, lt=2**53)]
    deleted: bool = False
    type: Kind = "document"
    acl: Annotated[str, Field(pattern=r"^(public|(user|room|space|feed):[A-Za-z0-9_.-]{1,64})$", max_length=70)] = (
        "public"
    )
    title: Annotated[str, text(300, min_length=0)] = ""
    headings: Annotated[list[Annotated[str, text(300)]], Field(max_length=50, default_factory=list)]
    tags: Annotated[list[Tag], Field(max_length=50, default_factory=list)]
    body: Annotated[str, text(MAX_BODY, min_length=0, multiline=True, max_bytes=MAX_BODY)] = ""
    url: Annotated[str, text(2_048, min_length=0)] = ""
    author: Annotated[str, text(200, min_length=0)] = ""
    lang: Annotated[str, text(35, min_length=0)] = ""
    boost: Annotated[float, Field(ge=0.5, le=2)] = 1.0
    updated_at: Instant | None = None
    n: Annotated[int, Field(ge=0, lt=2**53)] = 0


class DocumentsIn(In):
    items: Annotated[list[DocumentIn], Field(min_length=1, max_length=100)]


class DocumentsOut(Out):
    accepted: int


class ReindexIn(In):
    """All known documents of a type; with an owner, all that its keeper has of theirs."""

    type: Kind
    owner_id: Ulid | None = None


class SynonymIn(In):
    """What a word also means. With `two_way`, each of them means the word as well."""

    term: Word
    to: Annotated[list[Word], Field(min_length=1, max_length=10)]
    two_way: bool = False


class SynonymOut(Out):
    term: Annotated[str, Field(max_length=40)]
    to: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=20)]


class SynonymsOut(Out):
    items: Annotated[list[SynonymOut], Field(max_length=201)]


class TermParams(Params):
    term: Word


class PinIn(In):
    """What stands on top of what this query finds, of all types or of one; none to end it."""

    query: Query
    type: Kind | None = None
    doc_ids: Annotated[list[DocumentId], Field(max_length=5)]


class StatsOut(Out):
    """`drift` says by how much the average lengths have moved since the epoch began."""

    epoch: int
    documents: int
    averages: dict[str, float]
    frozen: dict[str, float]
    drift: float
    as_of: Instant


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Annotated[int, Field(ge=0)]
