"""What a query spends when its first look was not enough, and that it is the same however much there is."""

import pytest

from functions.content.search.rules.budget import LONGEST, Budget, evenly, to_their_ends
from functions.content.search.rules.expand import expand
from functions.content.search.rules.index import Scope
from functions.content.search.rules.query import parse
from functions.content.search.rules.ranking import Filters, Found, Ranking
from tests.unit.content.search.columns import ColumnIndex, best_of

pytestmark = pytest.mark.long

PUBLIC = [Scope("public")]
A, B, C = ("public", "a"), ("public", "b"), ("public", "c")


def asked(index: ColumnIndex, text: str) -> tuple[Found, list[str]]:
    plan = expand(parse(text), PUBLIC, index, fuzzy=False)
    return Ranking(plan, PUBLIC, Filters(), index).best(10), best_of(plan, index.holding, 10)


@pytest.mark.parametrize("documents", [1_000, 10_000, 100_000])
def test_answers_are_right_and_reads_bounded_among_so_many_documents(documents):
    index = ColumnIndex(documents)
    queries = [" ".join(dict.fromkeys(index.word() for _ in range(1 + n % 3))) for n in range(75)]
    exact, overlap = 0, 0.0

    for text in queries:
        index.spent()
        found, real = asked(index, text)
        requests, units = index.spent()
        assert requests <= (16 if found.rounds == 0 else 28), text
        assert units <= (80 if found.rounds == 0 else 330), text
        shown = [hit.doc for hit in found.hits[:10]]
        if found.exact:
            assert shown == real, text
        exact += found.exact
        overlap += len(set(shown) & set(real)) / len(real)

    assert exact / len(queries) >= 0.95
    assert overlap / len(queries) >= 0.99


def test_pages_that_short_lists_do_not_have_go_to_the_long_ones():
    assert evenly(9, {A: 1, B: 20, C: 20}) == {A: 1, B: 4, C: 4}
    assert evenly(2, {A: 5, B: 6, C: 7}) == {A: 1, B: 1}
    assert evenly(0, {A: 5}) == {}


def test_of_one_list_no_more_is_read_at_once_than_comes_in_one_answer():
    assert evenly(30, {A: 40}) == {A: LONGEST}


def test_the_shortest_lists_are_read_whole_where_few_documents_are_in_all_of_them():
    left = {A: 2, B: 6, C: 30}

    assert to_their_ends(20, left, {"a": 2_000, "b": 6_000, "c": 30_000}, 100_000) == {A: 2, B: 6}


@pytest.mark.parametrize(
    "units, left, frequencies",
    [
        (9, {A: 5}, {"a": 500}),
        (40, {A: LONGEST + 1}, {"a": 500}),
        (40, {A: 6}, {"a": 6_000}),
        (40, {}, {"a": 10}),
    ],
    ids=["nothing would be left to look", "too long for one answer", "too many to look at", "all is known"],
)
def test_lists_are_not_read_whole_in_vain(units, left, frequencies):
    assert to_their_ends(units, left, frequencies, 100_000) == {}


def test_what_is_known_whole_already_makes_fewer_come_into_question():
    assert to_their_ends(20, {B: 6}, {"a": 500, "b": 6_000}, 100_000) == {B: 6}


def test_a_hundred_documents_cost_what_five_pages_cost():
    budget = Budget.of(3)
    assert (budget.units, budget.looks, budget.saved_for(150), budget.saved_for(10_000)) == (24, 3, 14, 9)

    budget.look()

    assert (budget.units, budget.looks, budget.saved_for(10_000)) == (19, 2, 9)
    assert Budget(4).looks == 0 and Budget(4).saved_for(1) == 0
