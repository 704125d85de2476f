"""What a query needs of an index, whoever keeps it: each call is one round of requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Protocol


@dataclass(frozen=True)
class Scope:
    """A part of the index that somebody may see; with a `floor`, only what stands there or later.

    Of a part that is seen from a floor on, what is common in it is not asked: it would tell of what lies before.
    """

    name: str
    floor: int = 0

    @property
    def is_narrow(self) -> bool:
        return self.floor > 0


@dataclass(frozen=True)
class Posting:
    """That a document has a term, and what filters need to know of it."""

    doc: str
    q: int
    type: str = ""
    day: int = 0
    lang: str = ""
    n: int = 0


@dataclass(frozen=True)
class Whole:
    """All terms of a document by their hash, and its day as it is: that of a posting may be an earlier one."""

    terms: Mapping[bytes, int]
    day: int


@dataclass(frozen=True)
class Ask:
    """A part of a list of postings, the best first: of one type, or of all."""

    scope: str
    term: str
    type: str = ""
    limit: int = 200
    after: str | None = None


@dataclass(frozen=True)
class Batch:
    """What came, and where the list goes on, or None at its end."""

    postings: Sequence[Posting]
    next: str | None


@dataclass(frozen=True)
class Vocabulary:
    """In how many documents of a scope each term is, how many there are, what else is meant, and what is pinned."""

    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    documents: int = 0
    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pinned: Sequence[str] = ()

    def frequency(self, term: str) -> int:
        return sum(count for (_, found), count in self.counts.items() if found == term)

    def rarity(self, term: str) -> float:
        """How much a term tells: BM25's inverse document frequency."""
        df = self.frequency(term)
        return log(1 + (max(self.documents - df, 0) + 0.5) / (df + 0.5))


class Index(Protocol):
    def vocabulary(
        self, scopes: Sequence[str], terms: Sequence[str], *, words: Sequence[str] = (), pins: Sequence[str] = ()
    ) -> Vocabulary: ...

    def counts(self, scopes: Sequence[str], terms: Sequence[str]) -> Mapping[tuple[str, str], int]: ...

    def near(self, scopes: Sequence[str], keys: Sequence[str]) -> Sequence[str]:
        """Terms that are left over alike when letters are taken out."""
        ...

    def beginning(self, scopes: Sequence[str], prefix: str) -> Mapping[tuple[str, str], int]:
        """The most common terms of each scope that begin so."""
        ...

    def postings(self, asks: Sequence[Ask]) -> Sequence[Batch]: ...

    def impacts(self, docs: Sequence[str]) -> Mapping[str, Whole]:
        """These documents whole; one that is gone is missing."""
        ...
