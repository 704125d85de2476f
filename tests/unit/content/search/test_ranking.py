"""The order of results: equal to that of looking at every document, wherever the answer says that it is exact."""

import random

import pytest

from functions.content.search.rules.documents import Document
from functions.content.search.rules.expand import Kind, expand
from functions.content.search.rules.index import Scope
from functions.content.search.rules.query import parse
from functions.content.search.rules.ranking import Filters, Ranking
from tests.unit.content.search.conftest import document
from tests.unit.content.search.corpus import documents, queries
from tests.unit.content.search.memory import MemoryIndex, truth

PUBLIC = [Scope("public")]


@pytest.fixture(scope="module")
def corpus():
    made, zipf = documents(10_000)
    return MemoryIndex(made), zipf


def find(index, text, scopes=PUBLIC, filters=None, k=10, **given):
    plan = expand(parse(text), scopes, index, **given)
    return plan, Ranking(plan, scopes, filters or Filters(), index).best(k)


def ids_of(found, k=10):
    return [hit.doc for hit in found.hits[:k]]


def compare(index, asked, **given):
    """How many answers were exact, the mean overlap of the first ten; what is exact must be the truth."""
    exact, overlap = 0, 0.0
    for text in asked:
        plan, found = find(index, text, fuzzy=False, **given)
        real = truth(index, plan, given.get("scopes", PUBLIC), given.get("filters", Filters()), 10)
        if found.exact:
            assert ids_of(found) == real, text
        exact += found.exact
        overlap += len(set(ids_of(found)) & set(real)) / len(real) if real else 1.0
    return exact / len(asked), overlap / len(asked)


def test_matches_reference_bm25f(corpus):
    index, zipf = corpus

    exact, overlap = compare(index, queries(zipf, 300))

    assert exact >= 0.95
    assert overlap >= 0.99


@pytest.mark.parametrize(
    "filters",
    [Filters(frozenset({"task"})), Filters(frozenset({"task", "file"})), Filters(first_day=20_500, last_day=20_560)],
    ids=["one type", "two types", "days"],
)
def test_filtered_answers_are_exact_where_they_say_so(corpus, filters):
    index, zipf = corpus

    exact, overlap = compare(index, queries(zipf, 40), filters=filters)

    assert overlap >= 0.95 and exact > 0.5


@pytest.mark.parametrize("count", [1_000, 10_000])
def test_reads_bounded(corpus, count):
    index, zipf = corpus if count == 10_000 else (MemoryIndex(documents(count)[0]), corpus[1])

    for text in queries(zipf, 60):
        index.requests.clear()
        _, found = find(index, text)
        first = found.rounds == 0
        lists = index.requests["postings"]
        others = index.requests.total() - lists
        assert lists <= (10 if first else 10 + 9), text
        assert others <= (6 if first else 9), text
        assert index.requests.total() <= (16 if first else 28), text


def test_typo_recall(corpus):
    index, _ = corpus
    chance = random.Random(11)
    known = sorted(
        {term for _, term in index.df if len(term) >= 5 and term.isalpha() and index.df["public", term] >= 3}
    )
    hits = asked = 0
    for word in chance.sample(known, 1_000):
        wrong = edited(word, chance)
        if wrong == word:
            continue
        asked += 1
        plan = expand(parse(f"{wrong} "), PUBLIC, index)
        hits += word in {option.term for option in plan.words[0].options} or bool(index.df["public", wrong] >= 3)

    assert asked > 900
    assert hits / asked >= 0.98


def edited(word, chance):
    at, letter = chance.randrange(len(word)), chance.choice("abcdefghijklmnopqrstuvwxyz")
    return chance.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
        ]
    )


def test_acl_no_leak_property():
    """Whatever others have, the answer to somebody is the one they would get if there were nothing else."""
    chance = random.Random(5)
    words = ["rye", "bread", "sour", "dough", "breads", "bred", "secret", "flour"]
    mine = [random_document(chance, words, f"M{n}", chance.choice(("public", "user:me"))) for n in range(40)]
    others = [random_document(chance, words, f"O{n}", f"user:{chance.choice('abc')}") for n in range(60)]
    scopes = [Scope("public"), Scope("user:me")]
    alone, among = MemoryIndex(mine), MemoryIndex([*mine, *others])

    for _ in range(60):
        text = " ".join(chance.sample(words, chance.randint(1, 3)))[: chance.randint(3, 20)]
        plan, found = find(among, text, scopes)
        expected_plan, expected = find(alone, text, scopes)
        assert plan == expected_plan
        assert (found.hits, found.total, found.exact) == (expected.hits, expected.total, expected.exact)


def random_document(chance, words, name, acl):
    return document(" ".join(chance.choices(words, k=4)), id=name, acl=acl, body=" ".join(chance.choices(words, k=9)))


def test_what_lies_before_a_floor_is_not_found_nor_counted_nor_completed():
    index = MemoryIndex(
        [document("", id=f"N{n}", acl="room:r", type="message", body=f"hello w{n}", n=n) for n in range(1, 9)]
    )
    scopes = [Scope("room:r", floor=6)]

    plan, found = find(index, "hello", scopes)

    assert sorted(ids_of(found)) == ["N6", "N7", "N8"]
    assert (found.total, plan.vocabulary.documents, plan.vocabulary.counts) == (3, 0, {})
    assert find(index, "hel", scopes)[1].hits == find(index, "helo", scopes)[1].hits == []
    assert ids_of(find(index, "w3", scopes)[1]) == []


def test_an_exact_word_comes_before_its_typo_however_weighty():
    index = MemoryIndex(
        [document("Other", id="EXACT", body="filler " * 90 + "bred"), document("Bread", id="TYPO", tags=("bread",))]
    )

    plan, found = find(index, "bred")

    assert ids_of(found) == ["EXACT", "TYPO"]
    assert [match.option.kind for hit in found.hits for match in hit.matches] == [Kind.EXACT, Kind.TYPO]
    assert plan.corrections == ()


def test_more_words_come_before_rarer_ones():
    index = MemoryIndex(
        [
            document("Rarest rarest", id="RARE"),
            document("Common words", id="BOTH", body="filler " * 50 + "rye"),
            *(document("Common words rye", id=f"N{n}", type="other") for n in range(20)),
        ]
    )

    _, found = find(index, "rarest common rye", k=30)

    assert ids_of(found, 30)[-1] == "RARE"


def test_a_word_nobody_wrote_is_taken_for_the_one_that_was_meant():
    index = MemoryIndex([document("Markdown for beginners", id="A")])

    plan, found = find(index, "markdwon ")

    assert ids_of(found) == ["A"]
    assert plan.corrections == (("markdwon", "markdown"),)


@pytest.mark.parametrize(
    "text, kinds",
    [
        ("port", {Kind.PREFIX}),
        ("port ", set()),
        ("recipes", {Kind.STEM}),
        ('"recipes"', set()),
        ("p", set()),
        ("3001", set()),
        ("pasta", {Kind.SYNONYM}),
    ],
)
def test_words_match_in_the_ways_they_should(text, kinds):
    index = MemoryIndex([document("Portfolio 3000", id="A", body="recipe noodles")])
    index.synonyms = {"pasta": ["noodles"]}

    _, found = find(index, text)

    assert {match.option.kind for hit in found.hits for match in hit.matches} == kinds


def test_a_phrase_and_a_tag_must_be_there():
    index = MemoryIndex(
        [
            document("Rye bread", id="A", tags=("food",)),
            document("Rye", id="B", tags=("food",)),
            document("Rye bread", id="C"),
        ]
    )

    assert ids_of(find(index, 'rye "bread"')[1]) == ["A", "C"]
    assert sorted(ids_of(find(index, "rye tag:food")[1])) == ["A", "B"]
    assert sorted(ids_of(find(index, "tag:food")[1])) == ["A", "B"]


def test_of_many_words_the_eight_rarest_count_and_the_others_are_named():
    index = MemoryIndex([document(" ".join(f"w{n}x" for n in range(9))), document("w0x")])

    plan, _ = find(index, " ".join(f"w{n}x" for n in range(9)))

    assert (len(plan.words), plan.dropped) == (8, ("w0x",))


def test_equal_documents_are_listed_in_the_order_of_their_ids_and_the_list_is_certain():
    index = MemoryIndex([document("Same", id=f"D{n:04d}") for n in range(900)])

    _, found = find(index, "same")

    assert found.exact and found.rounds == 0
    assert ids_of(found) == [f"D{n:04d}" for n in range(10)]


def test_nonsense_of_forty_letters_costs_what_a_word_costs():
    index = MemoryIndex([document("Rye bread")])

    _, found = find(index, "q" * 40)

    assert found.hits == [] and found.exact and index.requests.total() <= 4


def test_documents_that_are_gone_are_not_shown():
    index = MemoryIndex([Document(f"D{n}", "post", 1, "public", title=f"rye {'bread ' * n}") for n in range(1, 400)])
    gone = find(index, "rye bread")[1].hits[0].doc
    del index.weighed[gone]

    _, found = find(index, "rye bread")

    assert gone not in ids_of(found)
