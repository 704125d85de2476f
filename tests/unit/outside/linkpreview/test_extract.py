"""What a card says of a page, over the whole corpus."""

import json
import time
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.outside.linkpreview.extract import charsets, heads, jsonld, pages
from functions.outside.linkpreview.rules.cards import Card

from .corpus import HOSTILE, PAGES, URL, Page


def card_of(page: Page) -> Card:
    final = page.final_url or page.url
    head = heads.read(charsets.decoded(page.body, page.content_type), final)
    return pages.card_of(page.url, final, head, status=page.status)


def field_of(card: Card, name: str) -> object:
    value: object = card
    for part in name.split("."):
        value = getattr(value, part)
    return value.isoformat() if isinstance(value, datetime) else value


def test_the_corpus_is_as_large_as_it_should_be():
    assert len({page.name for page in PAGES}) == len(PAGES) >= 100


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_of_the_corpus_has_the_card_it_should_have(page):
    card = card_of(page)

    assert {name: field_of(card, name) for name in page.says} == page.says
    assert {name: card.sources.get(name) for name in page.sources} == page.sources


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_makes_a_text_that_is_longer_than_it_may_be_or_holds_what_is_not_seen(page):
    card = card_of(page)

    texts = [card.title, card.description or "", card.site_name or "", card.author or ""]
    assert 0 < len(card.title) <= 300 and len(texts[1]) <= 600
    assert all(text.isprintable() and text == text.strip() for text in texts)
    assert all(text.encode() is not None for text in texts)


@pytest.mark.parametrize("page", HOSTILE, ids=lambda page: page.name)
def test_no_hostile_page_takes_long(page):
    started = time.process_time()

    card_of(page)

    assert time.process_time() - started < 2.0


@settings(max_examples=300)
@given(
    st.binary(max_size=400), st.sampled_from(["", "text/html", "text/html; charset=shift_jis", "text/html;charset=x"])
)
def test_no_bytes_and_no_header_break_the_reader(body, content_type):
    head = heads.read(charsets.decoded(body, content_type), URL)

    assert pages.card_of(URL, URL, head).title


@settings(max_examples=300)
@given(st.text(alphabet='{}[]",:/*\\<!->ae1 \n@graphtype', max_size=200))
def test_no_linked_data_breaks_the_reader(block):
    assert jsonld.best([block]) is not None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["@type", "@graph", "name", "image", "author", "mainEntity", "url"]), inner)
    ),
    max_leaves=20,
)


@settings(max_examples=300)
@given(_JSON)
def test_linked_data_of_any_shape_gives_a_card(value):
    head = heads.Head(base=URL, blocks=[json.dumps(value)])

    assert pages.card_of(URL, URL, head).title


@pytest.mark.parametrize(
    ("content", "leads"),
    [
        ("0;url=/next", "/next"),
        ("5; URL='/next'", "/next"),
        ("0, /next", "/next"),
        ("6; url=/next", ""),
        ("30", ""),
        ("soon", ""),
    ],
)
def test_a_refresh_within_five_seconds_is_a_redirect(content, leads):
    head = heads.read(f'<meta http-equiv="Refresh" content="{content}">', URL)

    assert head.refresh == leads


@pytest.mark.parametrize(
    ("media_type", "disposition", "kind", "title"),
    [
        ("application/pdf", "", "document", "report 1.pdf"),
        ("audio/mpeg", "", "audio", "report 1.pdf"),
        ("video/mp4", 'attachment; filename="../../clip.mp4"', "video", "clip.mp4"),
        ("image/png", "inline; filename*=UTF-8''%C3%A9t%C3%A9.png", "image", "été.png"),
    ],
)
def test_what_is_no_page_is_shown_by_its_name(media_type, disposition, kind, title):
    url = "https://site.example/files/report%201.pdf"

    card = pages.card_of_file(url, url, media_type, 1_234, disposition)

    assert card is not None
    assert (card.kind, card.title, card.length_bytes) == (kind, title, 1_234)


def test_what_can_be_nothing_is_no_card():
    assert pages.card_of_file(URL, URL, "application/zip", 5, "") is None
