"""Very many documents of which only those lists exist that somebody asks for.

A list has as many postings, with such impacts, as a word of that rank has by Zipf's law in documents of a title and ten
to eighty words. So a hundred thousand documents cost no more memory than the lists of the words that are asked for.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import nsmallest

from functions.content.search.rules.documents import FIRST_LENGTHS, K1, TOP, WEIGHTS, B, hashed
from functions.content.search.rules.expand import Plan
from functions.content.search.rules.index import Ask, Batch, Posting, Vocabulary, Whole

WORDS, TITLE, BODY = 20_000, (2, 8), (10, 80)
# One page of postings is about ten read units, a hundred documents looked at whole are fifty.
PER_POSTING, PER_DOCUMENT = 80 / 8192, 0.5


class ColumnIndex:
    def __init__(self, documents: int, seed: int = 3) -> None:
        self.documents = documents
        self.chance = random.Random(seed)
        self.total = sum(1 / (rank + 2.7) for rank in range(WORDS))
        self.body = [self.chance.randint(*BODY) for _ in range(documents)]
        self.title = [self.chance.randint(*TITLE) for _ in range(documents)]
        self.columns: dict[str, dict[int, int]] = {}
        self.sorted: dict[str, list[tuple[int, int]]] = {}
        self.requests: Counter[str] = Counter()
        self.read_units = 0.0

    def word(self) -> str:
        """One that is met as often as its rank says."""
        (rank,) = self.chance.choices(range(WORDS), [1 / (one + 2.7) for one in range(WORDS)])
        return self.word_of(rank)

    def word_of(self, rank: int) -> str:
        name = f"w{rank}"
        if name not in self.columns:
            self.columns[name] = self._column(1 / (rank + 2.7) / self.total)
            self.sorted[name] = sorted((-q, doc) for doc, q in self.columns[name].items())
        return name

    def _column(self, share: float) -> dict[int, int]:
        mean = sum(BODY) / 2 + sum(TITLE) / 2
        count = round(self.documents * (1 - (1 - share) ** mean))
        of_title = sum(TITLE) / 2 / mean
        return {
            doc: self._impact(doc, share, is_in_title=self.chance.random() < of_title)
            for doc in self.chance.sample(range(self.documents), max(count, 1))
        }

    def _impact(self, doc: int, share: float, *, is_in_title: bool) -> int:
        again = sum(self.chance.random() < share * self.body[doc] for _ in range(2))
        found = self._weight("title", self.title[doc]) if is_in_title else 0.0
        if again or not is_in_title:
            found += (again + (not is_in_title)) * self._weight("body", self.body[doc])
        return round(found / (K1 + found) * TOP)

    def _weight(self, name: str, length: int) -> float:
        return WEIGHTS[name] / (1 - B[name] + B[name] * length / FIRST_LENGTHS[name])

    def holding(self, term: str) -> Iterable[tuple[str, int]]:
        """All documents of a word, with its impact."""
        return ((f"D{doc:07d}", q) for doc, q in self.columns[term].items())

    def spent(self) -> tuple[int, float]:
        """Requests and read units since this was last asked."""
        found = self.requests.total(), self.read_units
        self.requests.clear()
        self.read_units = 0.0
        return found

    def vocabulary(
        self, scopes: Sequence[str], terms: Sequence[str], *, words: Sequence[str] = (), pins: Sequence[str] = ()
    ) -> Vocabulary:
        self.requests["vocabulary"] += 1
        self.read_units += 0.5 * (len(terms) + 8)
        known = {("public", term): len(self.columns[term]) for term in terms if term in self.columns}
        return Vocabulary(known, self.documents)

    def counts(self, scopes: Sequence[str], terms: Sequence[str]) -> Mapping[tuple[str, str], int]:
        raise AssertionError("only words are asked for, as they are")

    def near(self, scopes: Sequence[str], keys: Sequence[str]) -> Sequence[str]:
        raise AssertionError("only words are asked for, as they are")

    def beginning(self, scopes: Sequence[str], prefix: str) -> Mapping[tuple[str, str], int]:
        raise AssertionError("only words are asked for, as they are")

    def postings(self, asks: Sequence[Ask]) -> Sequence[Batch]:
        self.requests["postings"] += len(asks)
        return [self._batch(ask) for ask in asks]

    def _batch(self, ask: Ask) -> Batch:
        start, whole = int(ask.after or 0), self.sorted[ask.term]
        end = start + ask.limit
        found = [Posting(f"D{doc:07d}", -q) for q, doc in whole[start:end]]
        self.read_units += len(found) * PER_POSTING
        return Batch(found, str(end) if end < len(whole) else None)

    def impacts(self, docs: Sequence[str]) -> Mapping[str, Whole]:
        self.requests["documents"] += -(-len(docs) // 100)
        self.read_units += len(docs) * PER_DOCUMENT
        return {
            doc: Whole(
                {hashed(term): one[int(doc[1:])] for term, one in self.columns.items() if int(doc[1:]) in one}, 0
            )
            for doc in docs
        }


def best_of(plan: Plan, holding: Callable[[str], Iterable[tuple[str, int]]], k: int) -> list[str]:
    """The first `k` documents of a plan of plain words, by looking at all that hold any of them."""
    matched: Counter[str] = Counter()
    score: dict[str, float] = {}
    for word in plan.words:
        (option,) = word.options
        rarity = plan.vocabulary.rarity(option.term)
        for doc, q in holding(option.term):
            matched[doc] += 1
            score[doc] = score.get(doc, 0.0) + rarity * q / TOP * option.factor
    best = nsmallest(k, ((-count, -score[doc], doc) for doc, count in matched.items()))
    return [doc for *_, doc in best]
