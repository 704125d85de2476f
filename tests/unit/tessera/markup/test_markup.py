"""Markdown in, HTML and what stands in it out."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera.markup import MARKUP_VERSION, Heading, Image, TooComplex, TooLong, render
from tessera.markup.profiles import MAX_BYTES, MAX_COMMENT_CHARACTERS

ARTICLE = """# One *title*

Some **words** with a [link](https://e.com/a?b=1&c=2 "of a > b"), a note[^1] and `code`.

## One title

- [x] done
- [ ] open

```python
a < b
```

| a | b |
|:--|--:|
| 1 | 2 |

![A picture](https://e.com/p.png)

[^1]: At the end.
"""


def test_what_stands_in_an_article_is_told() -> None:
    found = render(ARTICLE, "article")

    assert found.headings == (Heading(1, "One title", "h-one-title"), Heading(2, "One title", "h-one-title-2"))
    assert found.links == ("https://e.com/a?b=1&c=2",)
    assert found.images == (Image("https://e.com/p.png", "A picture"),)
    assert found.text.startswith("One title\nSome words with a link, a note[1] and code.")
    assert "a < b" in found.text
    assert found.markup_version == MARKUP_VERSION


@pytest.mark.parametrize(
    "part",
    [
        '<h2 id="h-one-title-2">One title</h2>',
        '<code class="language-python">a &lt; b',
        '<th style="text-align:right">b</th>',
        '<input checked="checked" disabled="" type="checkbox"> done',
        '<a href="#fn1" id="fnref1" rel="noopener">',
        'loading="lazy" referrerpolicy="no-referrer" src="https://e.com/p.png"',
    ],
)
def test_an_article_keeps_what_articles_need(part: str) -> None:
    assert part in render(ARTICLE, "article").html


def test_plain_text_has_no_markup_left() -> None:
    found = render(ARTICLE, "plain")

    assert "<" not in found.html.replace("&lt;", "")
    assert found.text == render(ARTICLE, "article").text
    assert not (found.headings or found.links or found.images)


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Größe & Maß", "h-größe-maß"),
        ("日本語の題", "h-日本語の題"),
        ("!!!", "h-section"),
        ("a " * 100, "h-" + "a-" * 29 + "a"),
        ("`x` and *y*", "h-x-and-y"),
    ],
)
def test_a_heading_can_be_linked_to(heading: str, name: str) -> None:
    assert render(f"# {heading}", "article").headings[0].id == name


def test_headings_that_end_like_a_repeated_one_keep_ids_of_their_own() -> None:
    found = render("# a\n\n# a 2\n\n# a\n\n# a", "article")

    assert [heading.id for heading in found.headings] == ["h-a", "h-a-2", "h-a-3", "h-a-4"]


@pytest.mark.parametrize(("text", "words"), [("one two-three don't", 3), ("日本語", 3), ("", 0), ("a_b 1,5", 4)])
def test_words_are_counted(text: str, words: int) -> None:
    assert render(text, "comment").word_count == words


def test_a_text_that_is_too_long_is_refused() -> None:
    assert render("ä" * (MAX_BYTES // 2), "article").text
    with pytest.raises(TooLong, match="131,073 bytes"):
        render("a" * (MAX_BYTES + 1), "article")
    with pytest.raises(TooLong, match="10,001 characters"):
        render("a" * (MAX_COMMENT_CHARACTERS + 1), "comment")


def test_characters_nobody_sees_are_gone() -> None:
    assert render("a\x00b\x08c\r\nd\te", "comment").html == "<p>abc\nd\te</p>\n"


@pytest.mark.parametrize(
    "source",
    [
        "![" * 65_536,
        "[" * 131_072,
        "[a](" * 32_000,
        "_*" * 65_000,
        "a\n" * 65_000,
        "> " * 65_000,
        "<a href=x><p>" * 9_000,
    ],
    ids=["images", "brackets", "links", "emphasis", "lines", "quotes", "unclosed"],
)
def test_a_text_that_costs_too_much_ends_in_time(source: str) -> None:
    started = time.monotonic()
    try:
        render(source, "article", max_seconds=0.05)
    except TooComplex as refused:
        assert refused.status == 422
    # What is left after the parser is linear; the machine may be busy.
    assert time.monotonic() - started < 3


def test_what_costs_too_much_is_refused() -> None:
    with pytest.raises(TooComplex, match=r"within 0\.01 seconds"):
        render("![" * 65_536, "article", max_seconds=0.01)


def test_html_that_grows_without_measure_is_refused() -> None:
    with pytest.raises(TooComplex, match="characters of HTML"):
        render("<em><strong><code><s>" * 3 + "<p>x" * 20_000, "article")


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_can_be_rendered(source: str) -> None:
    for profile in ("article", "comment", "feed", "plain"):
        assert "<script" not in render(source, profile).html
