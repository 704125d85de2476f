"""Search among a hundred thousand documents of text: its answers, against looking at every one, and its reads."""

import gc
from collections.abc import Iterator

import pytest

from functions.content.search.rules.expand import expand
from functions.content.search.rules.index import Scope
from functions.content.search.rules.query import parse
from functions.content.search.rules.ranking import Filters, Found, Ranking
from tests.unit.content.search.columns import best_of
from tests.unit.content.search.corpus import language, queries, written
from tests.unit.content.search.memory import MemoryIndex

pytestmark = pytest.mark.long

DOCUMENTS, QUERIES = 100_000, 100
PUBLIC = [Scope("public")]


@pytest.fixture(scope="module")
def asked() -> Iterator[tuple[MemoryIndex, list[str]]]:
    words = language()
    texts = queries(words, QUERIES)
    wanted = frozenset(word for text in texts for word in parse(text).words)
    # Millions of objects, of which none goes away: to look for some that may takes as long as to make them.
    gc.disable()
    try:
        index = MemoryIndex(written(DOCUMENTS, words), only=wanted)
        gc.freeze()
    finally:
        gc.enable()
    yield index, texts
    gc.unfreeze()


def answer(index: MemoryIndex, text: str) -> tuple[Found, list[str]]:
    plan = expand(parse(text), PUBLIC, index, fuzzy=False)
    found = Ranking(plan, PUBLIC, Filters(), index).best(10)
    return found, best_of(plan, lambda term: ((doc, -q) for q, doc, _ in index.holders["public", term]), 10)


def test_answers_among_a_hundred_thousand_documents_are_right_and_as_bounded(
    asked: tuple[MemoryIndex, list[str]],
) -> None:
    index, texts = asked
    exact, overlap = 0, 0.0

    for text in texts:
        index.requests.clear()
        found, real = answer(index, text)
        assert index.requests.total() <= (16 if found.rounds == 0 else 28), text
        shown = [hit.doc for hit in found.hits[:10]]
        if found.exact:
            assert shown == real, text
        exact += found.exact
        overlap += len(set(shown) & set(real)) / len(real) if real else 1.0

    assert exact / len(texts) >= 0.95
    assert overlap / len(texts) >= 0.99
