"""What a search and a document cost, in requests and units, computed from the items."""

from dataclasses import replace

import pytest

from functions.content.search.actions import find
from functions.content.search.rules import ranking
from functions.content.search.rules.documents import packed
from functions.content.search.rules.index import Scope
from functions.content.search.rules.results import Sought
from functions.content.search.store import side_by_side
from functions.content.search.store.rows import (
    TERMS,
    KnownRow,
    PostingRow,
    SizeRow,
    TermsRow,
    document_pk,
    list_pk,
    posting_sk,
    prefix_key,
    size_keys,
    vocabulary_key,
)
from functions.content.search.store.writing import put_all
from tests.kit.capacity import CapacityMeter
from tests.unit.content.search.columns import ColumnIndex
from tests.unit.content.search.conftest import document

pytestmark = pytest.mark.long

WORDS = "rye oat soy egg ham tea ice jam nut pie fig yam cod bun gin rum ale dip".split()


def article(number, *more):
    """Short words, because a new word of more letters is also kept under what is left of it with a typo."""
    return document(" ".join([*WORDS[:4], *more]), id=f"D{number}", lang="", body=" ".join(WORDS))


@pytest.fixture
def cost(world):
    """`cost(do)`: what it costs the table of the index."""

    def measure(do):
        with CapacityMeter() as meter:
            do()
        return meter.of(world.served.table.name)

    return measure


def test_a_search_for_three_words_keeps_to_its_bounds(world, cost):
    for number in range(12):
        world.ports.indexing.put(article(number))
    sought, scopes = Sought(q="rye egg tea", highlight=True), [Scope("public")]

    spent = cost(lambda: find.search(world.ports, sought, scopes))

    # The epoch, and the texts for the highlights, come on top of the plan.
    assert spent.requests <= 16 + 2
    assert spent.read_units <= 80


def test_what_is_suggested_costs_few_requests(world, cost):
    world.ports.indexing.put(article(1))

    spent = cost(lambda: find.suggest(world.ports, "ry", [Scope("public")]))

    assert spent.requests <= 5


def test_a_document_of_known_words_costs_two_postings_and_a_count_for_each(world, cost):
    for number in range(2):
        world.ports.indexing.put(article(number))

    spent = cost(lambda: world.ports.indexing.put(article(2)))

    terms = len(world.ports.reading.words("D2").terms)
    assert terms == len(WORDS)
    assert spent.write_units <= 3 * terms + 30


def test_a_longer_title_writes_only_what_is_new(world, cost):
    for number in range(3):
        world.ports.indexing.put(article(number))

    spent = cost(lambda: world.ports.indexing.put(replace(article(2, "fee"), seq=2)))

    # Four words of the title weigh less than before; fourteen of the body are left alone.
    assert spent.write_units <= 2 * (2 * 4 + 3) + 4 * 3 + 30


def test_a_document_that_is_known_costs_one_read(world, cost):
    world.ports.indexing.put(article(1))

    spent = cost(lambda: world.ports.indexing.put(article(1)))

    assert (spent.requests, spent.write_units) == (2, 0)


PUBLIC = [Scope("public")]
COMMON = (10, 20, 30)
# No query reads further in a list that is longer than this.
DEEPEST = 3_300
HOW_MANY = pytest.mark.parametrize("documents", [1_000, 100_000])


@pytest.fixture
def one_after_another():
    """What the meter sees of a request must not be of another that runs beside it."""
    token = side_by_side._at_work.set(True)
    yield
    side_by_side._at_work.reset(token)


def posting(word, doc, q):
    """Of a size that postings have: a word, a ULID, a type and a day."""
    sk = posting_sk(q, f"01ARZ3NDEKTSV4RRFF{doc:08d}")
    return PostingRow(pk=list_pk("public", "", word), sk=sk, type="post", day=20_000)


def fill(table, documents):
    """The lists of three common words, as far as anybody reads them, and the documents in them; the words."""
    index = ColumnIndex(documents)
    words = [index.word_of(rank) for rank in COMMON]
    held = {word: index.sorted[word][:DEEPEST] for word in words}
    rows = [posting(word, doc, -q) for word in words for q, doc in held[word]]
    others = {f"other{n}": 1 for n in range(57)}
    for doc in {doc for found in held.values() for _, doc in found}:
        terms = {word: index.columns[word][doc] for word in words if doc in index.columns[word]}
        pk = document_pk(f"01ARZ3NDEKTSV4RRFF{doc:08d}")
        rows.append(TermsRow(pk=pk, sk=TERMS, terms=packed({**others, **terms}), day=20_000))
    for word in words:
        pk, sk = vocabulary_key("public", word)
        rows.append(KnownRow(pk=pk, sk=sk, df=len(index.columns[word])))
    pk, sk = size_keys("public")[0]
    put_all(table, [*rows, SizeRow(pk=pk, sk=sk, documents=documents)])
    return words


@HOW_MANY
def test_the_first_look_and_the_second_keep_to_the_ledger_however_much_there_is(
    world, cost, documents, monkeypatch, one_after_another
):
    table = world.ports.reading.table
    words = fill(table, documents)
    # The last word is also what others begin with.
    put_all(table, [posting(f"{words[-1]}{n}", doc, 9_000 - doc) for n in range(8) for doc in range(60)])
    for n in range(8):
        pk, sk = vocabulary_key("public", f"{words[-1]}{n}")
        px, sx = prefix_key("public", f"{words[-1]}{n}", len(words[-1]), 60)
        put_all(table, [KnownRow(pk=pk, sk=sk, df=60), KnownRow(pk=px, sk=sx)])
    sought = Sought(q=" ".join(words))

    spent = cost(lambda: find.search(world.ports, sought, PUBLIC))

    assert spent.requests <= 28
    assert spent.read_units <= 330
    world.ports.hot.__init__(256, 10_000)
    monkeypatch.setattr(ranking, "ROUNDS", 0)
    first = cost(lambda: find.search(world.ports, sought, PUBLIC))
    assert 6 <= first.requests <= 16
    assert first.read_units <= 80
    # What was completed is read as well.
    assert first.operations.count("Query") >= 3 + 8
    # Among so many it is not settled by the first look, so that the second is what was measured.
    assert documents < 100_000 or spent.read_units > 200


@HOW_MANY
def test_one_common_word_costs_the_same_however_much_there_is(world, cost, documents, one_after_another):
    words = fill(world.ports.reading.table, documents)

    spent = cost(lambda: find.search(world.ports, Sought(q=f"{words[0]} "), PUBLIC))

    assert spent.requests <= 8
    assert spent.read_units <= 30


@HOW_MANY
def test_an_article_of_eight_hundred_words_costs_what_the_ledger_says(world, cost, documents, one_after_another):
    table = world.ports.reading.table
    words = [f"{a}{b}{c}" for a in "bcdfghjk" for b in "aeiou" for c in "klmnprst"][:300]
    text = " ".join((words * 3)[:760])
    made = document(" ".join(words[:8]), headings=tuple(words[8:44]), body=text, lang="")
    # With which letters words begin is written once.
    world.ports.indexing.put(document(" ".join(words[:256]), headings=tuple(words[256:]), lang=""))
    for word in words:
        pk, sk = vocabulary_key("public", word)
        # Far from where a word moves among those that begin alike.
        table.put(KnownRow(pk=pk, sk=sk, df=documents * 3 // 100))

    spent = cost(lambda: world.ports.indexing.put(made))

    terms = len(world.ports.reading.words(made.id).terms)
    assert terms == len(words)
    # Two postings and a count for each word, and the document itself.
    assert spent.write_units == pytest.approx(950, rel=0.1)
    assert spent.read_units <= 3
    assert spent.operations.count("BatchWriteItem") <= 40
