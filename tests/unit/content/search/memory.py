"""An index in memory with the calls of the real one, counting them; and the truth, read from every document."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice, takewhile

from functions.content.search.rules import typos
from functions.content.search.rules.documents import AUTHOR, STEM, TAG, Document, Lengths, Weighed, hashed, weigh
from functions.content.search.rules.expand import Plan
from functions.content.search.rules.index import Ask, Batch, Posting, Scope, Vocabulary, Whole
from functions.content.search.rules.ranking import Filters


class MemoryIndex:
    def __init__(self, documents: Iterable[Document] = (), only: frozenset[str] = frozenset()) -> None:
        """With `only`, no other terms are kept: for more documents than memory holds whole."""
        self.only = only
        self.documents: dict[str, Document] = {}
        self.weighed: dict[str, Weighed] = {}
        self.holders: dict[tuple[str, str], list[tuple[int, str, Posting]]] = defaultdict(list)
        self.sorted: dict[tuple[str, str, str], list[tuple[int, str, Posting]]] = {}
        self.sizes: Counter[str] = Counter()
        self.df: Counter[tuple[str, str]] = Counter()
        self.synonyms: dict[str, list[str]] = {}
        self.requests: Counter[str] = Counter()
        for document in documents:
            self.add(document)

    def add(self, document: Document) -> None:
        found = weigh(document, Lengths())
        if self.only:
            found = Weighed({term: q for term, q in found.impacts.items() if term in self.only}, found.lengths)
            document = replace(document, title="", body="")
        self.sizes[document.acl] += 1
        self.documents[document.id], self.weighed[document.id] = document, found
        day = document.day
        for term, q in found.impacts.items():
            posting = Posting(document.id, q, document.type, day, document.lang, document.n)
            self.holders[document.acl, term].append((-q, document.id, posting))
            self.df[document.acl, term] += 1

    @cached_property
    def _sorted(self) -> list[tuple[str, str]]:
        return sorted(self.df)

    @cached_property
    def _keys(self) -> Mapping[tuple[str, str], list[str]]:
        found = defaultdict(list)
        for scope, term in self.df:
            if term[0] not in (STEM, TAG, AUTHOR) and typos.may_be_wrong(term):
                for key in typos.keys(term):
                    found[scope, key].append(term)
        return found

    def vocabulary(
        self, scopes: Sequence[str], terms: Sequence[str], *, words: Sequence[str] = (), pins: Sequence[str] = ()
    ) -> Vocabulary:
        self.requests["vocabulary"] += 1
        documents = sum(self.sizes[scope] for scope in scopes)
        return Vocabulary(
            {(scope, term): self.df[scope, term] for scope in scopes for term in terms if self.df[scope, term]},
            documents,
            {word: self.synonyms[word] for word in words if word in self.synonyms},
        )

    def counts(self, scopes: Sequence[str], terms: Sequence[str]) -> Mapping[tuple[str, str], int]:
        self.requests["counts"] += 1
        return {(scope, term): self.df[scope, term] for scope in scopes for term in terms if self.df[scope, term]}

    def near(self, scopes: Sequence[str], keys: Sequence[str]) -> Sequence[str]:
        self.requests["near"] += 1
        found = {term for scope in scopes for key in keys for term in self._ranked(scope, key)}
        return sorted(found)

    def _ranked(self, scope: str, key: str) -> list[str]:
        return sorted(self._keys.get((scope, key), ()), key=lambda term: -self.df[scope, term])[:50]

    def beginning(self, scopes: Sequence[str], prefix: str) -> Mapping[tuple[str, str], int]:
        self.requests["beginning"] += len(scopes)
        found: dict[tuple[str, str], int] = {}
        for scope in scopes:
            first = bisect_left(self._sorted, (scope, prefix))
            terms = list(takewhile(lambda key: key[1].startswith(prefix), islice(self._sorted, first, None)))
            found |= {key: self.df[key] for key in sorted(terms, key=lambda key: -self.df[key])[:8]}
        return found

    def postings(self, asks: Sequence[Ask]) -> Sequence[Batch]:
        self.requests["postings"] += len(asks)
        return [self._batch(ask) for ask in asks]

    def _batch(self, ask: Ask) -> Batch:
        start = int(ask.after or 0)
        whole = self._list(ask.scope, ask.type, ask.term)
        end = start + ask.limit
        return Batch([one[2] for one in whole[start:end]], str(end) if end < len(whole) else None)

    def _list(self, scope: str, kind: str, term: str) -> list[tuple[int, str, Posting]]:
        key = scope, kind, term
        if key not in self.sorted:
            self.sorted[key] = sorted(one for one in self.holders[scope, term] if kind in ("", one[2].type))
        return self.sorted[key]

    def impacts(self, docs: Sequence[str]) -> Mapping[str, Whole]:
        self.requests["impacts"] += -(-len(docs) // 100)
        return {
            doc: Whole({hashed(term): q for term, q in self.weighed[doc].impacts.items()}, self.documents[doc].day)
            for doc in docs
            if doc in self.weighed
        }


def truth(index: MemoryIndex, plan: Plan, scopes: Sequence[Scope], filters: Filters, k: int) -> list[str]:
    """The first `k` documents of a plan, by looking at all that hold any of its terms."""
    rarity = {term: plan.vocabulary.rarity(term) for term in plan.terms}
    visible = {scope.name: scope for scope in scopes}
    ranked = []
    holding = {one[1] for scope in scopes for term in plan.terms for one in index.holders[scope.name, term]}
    for doc in holding:
        document = index.documents[doc]
        scope = visible.get(document.acl)
        posting = Posting(doc, 1, document.type, document.day, document.lang, document.n)
        if scope is None or not filters.admit(posting, scope) or not filters.spans(document.day):
            continue
        impacts = index.weighed[doc].impacts
        matched, wrong, score, missing = 0, 0, 0.0, False
        for word in plan.words:
            ways = [
                (option.typos, -rarity[option.term] * impacts[option.term] / 32767 * option.factor)
                for option in word.options
                if option.term in impacts
            ]
            if ways:
                typos_, worth = min(ways)
                matched, wrong, score = matched + 1, wrong + typos_, score - worth
            else:
                missing = missing or word.required
        if matched and not missing:
            ranked.append((-matched, wrong, -score, doc))
    return [doc for *_, doc in sorted(ranked)[:k]]
