"""The stand-in of a site that a laptop has, and what the demo reads of it."""

import pytest

from functions.outside.linkpreview.actions.read import read
from localstack.seed.linkpreview import PAGES
from localstack.stand_ins import wire
from localstack.stand_ins.website import Website
from tests.kit.stand_ins import Answer


@pytest.fixture
def website(site):
    stand_in = Website()

    def say(asked):
        found = stand_in.answer(wire.Asked(asked.method, asked.path, asked.query, asked.headers, asked.body))
        return Answer(found.status, found.headers, found.body)

    site.answer = say
    return site


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_demo_has_a_card(ports, website, page):
    card, _ = read(ports, f"{website.url}/{page}", None)

    assert card.title
    assert card.warnings == (("no-metadata",) if page == "pages/app" else ())


def test_the_picture_of_the_demo_has_a_size(ports, website):
    card, _ = read(ports, f"{website.url}/pages/bread", None)

    assert (card.image.width, card.image.height, card.image.alt) == (64, 48, "A loaf, cut")
