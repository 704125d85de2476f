"""What a search and a document cost, in requests and units, computed from the items."""

from dataclasses import replace

import pytest

from functions.content.search.actions import find
from functions.content.search.rules.index import Scope
from functions.content.search.rules.results import Sought
from tests.kit.capacity import CapacityMeter
from tests.unit.content.search.conftest import document

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
