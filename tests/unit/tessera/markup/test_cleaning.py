"""The gate: nothing active passes, in any profile, whichever way it is written."""

import re
from html.parser import HTMLParser
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from tessera.markup import clean, one_line, render
from tessera.markup.profiles import Profile

from .vectors import vectors

VECTORS = list(vectors())
PROFILES: tuple[Profile, ...] = get_args(Profile)
HARMLESS = set(
    """h1 h2 h3 h4 h5 h6 p br hr em strong b i del s sub sup code pre blockquote ul ol li a img table thead tbody tr th
 td section input figure figcaption audio video source html head body""".split()
)
ATTRIBUTES = {
    *"href src alt title rel loading referrerpolicy id class style type disabled checked start width height".split(),
    *"colspan rowspan controls preload poster".split(),
}
SAFE_ADDRESS = re.compile(r"(https?://[^\\\s]|mailto:|/[^/\\]|#)", re.IGNORECASE)


class Seen(HTMLParser):
    """What a page would have in it, by a parser that is not the gate's own."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def active(html: str) -> list[Any]:
    """What in this HTML could do something, as two parsers see it."""
    found: list[Any] = []
    second = [(node.tag, dict(node.attributes)) for node in LexborHTMLParser(html).css("*")]
    for tag, attributes in [*Seen(html).tags, *second]:
        if tag not in HARMLESS:
            found.append(tag)
        for name, value in attributes.items():
            if name not in ATTRIBUTES:
                found.append((tag, name))
            if name in ("href", "src", "poster") and not SAFE_ADDRESS.match(value or ""):
                found.append((tag, name, value))
            if name == "style" and not re.fullmatch(r"text-align:\s?(left|center|right);?", value or ""):
                found.append((tag, name, value))
            if name == "id" and not re.match(r"h-|fn", value or ""):
                found.append((tag, name, value))
    return found


def test_there_are_vectors_enough() -> None:
    assert len(set(VECTORS)) >= 150


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_active_is_left_of_any_vector(profile: Profile) -> None:
    def everything(address: str) -> str:
        return address.partition(":")[2]

    for vector in VECTORS:
        assert not active(render(vector, profile, resolve=everything).html), vector
        assert not active(clean(vector, profile, base_url="https://example.com/a/", resolve=everything)), vector


def test_the_check_itself_sees_what_is_active() -> None:
    seen = [vector for vector in VECTORS if vector.startswith("<") and active(vector)]

    assert len(seen) > 150


@given(
    st.lists(
        st.one_of(st.sampled_from(VECTORS), st.text(max_size=20), st.sampled_from(["<", ">", '"', "&", "</p>", "<b>"])),
        max_size=8,
    ).map("".join),
    st.sampled_from(PROFILES),
)
@settings(max_examples=2_000, deadline=None)
def test_cleaning_again_changes_nothing(html: str, profile: Profile) -> None:
    once = clean(html, profile)

    assert clean(once, profile) == once
    assert not active(once)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_same_source_is_the_same_bytes(profile: Profile) -> None:
    source = '<img src="https://e.com/a.png" alt="a" width=3><input type=checkbox checked>' * 3

    assert len({clean(source, profile) for _ in range(20)}) == 1


def test_a_direct_link_out_of_a_comment_gives_no_fame() -> None:
    assert 'rel="noopener nofollow ugc"' in render("[x](https://e.com)", "comment").html
    assert 'rel="noopener"' in render("[x](https://e.com)", "article").html


def test_a_comment_has_no_headings_pictures_or_tables() -> None:
    html = render("# T\n\n![p](https://e.com/i.png)\n\n|a|\n|-|\n|1|\n\n<h2>x</h2>", "comment").html

    assert not re.search(r"<(h\d|img|table)", html)
    assert "T" in html


@pytest.mark.parametrize(
    ("written", "base", "stands"),
    [
        ("a/b", None, None),
        ("/a/b", None, None),
        ("//e.com/x", None, None),
        ("a/b", "https://e.com/c/", "https://e.com/c/a/b"),
        ("//other.com/x", "https://e.com/", "https://other.com/x"),
        ("#part", "https://e.com/", "#part"),
        ("?q=1", "https://e.com/c", "https://e.com/c?q=1"),
        ("http:evil", "https://e.com/", None),
        ("https://[::1", None, None),
        ("https://e.com/a b", None, None),
        ("MAILTO:a@e.com", None, "MAILTO:a@e.com"),
        ("media:abc", None, "/files/abc"),
        ("wiki:abc", None, "https://w.example/abc"),
        ("media:none", None, None),
        ("media:evil", None, None),
        ("media:twice", None, None),
    ],
)
def test_where_a_link_goes(written: str, base: str | None, stands: str | None) -> None:
    known = {
        "media:abc": "/files/abc",
        "wiki:abc": "https://w.example/abc",
        "media:evil": "javascript:alert(1)",
        "media:twice": "//evil.example",
    }

    html = clean(f'<a href="{written}">x</a>', "article", base_url=base, resolve=known.get)

    assert (re.findall(r'href="([^"]*)"', html) or [None]) == [stands]


@pytest.mark.parametrize("profile", ["article", "comment", "feed"])
def test_an_attribute_that_a_profile_does_not_name_passes_on_no_element(profile: Profile) -> None:
    said = '<p title="a" lang="de" dir="rtl">a</p><em title="b">b</em><a href="https://x.y/" title="c" lang="fr">c</a>'

    kept = [attributes.keys() for _, attributes in Seen(clean(said, profile)).tags]

    assert kept == [set(), set(), {"href", "title", "rel"}]


def test_what_a_feed_shows_comes_over_https() -> None:
    html = clean('<audio src="http://e.com/a.mp3"></audio><video src="https://e.com/v.mp4"></video>', "feed")

    assert "http://" not in html
    assert 'src="https://e.com/v.mp4"' in html


def test_a_title_is_one_line_without_what_turns_it_around() -> None:
    assert one_line(" a\u202eb\n\tc\x00\u2066d ") == "ab cd"
