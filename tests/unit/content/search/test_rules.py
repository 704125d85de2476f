"""Text as terms, words that were meant, queries, snippets: decisions without a store."""

import itertools
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.content.search.rules import typos
from functions.content.search.rules.analysis import fold, parts, stem, terms, tokens
from functions.content.search.rules.documents import Lengths, hashed, packed, unpacked, weigh
from functions.content.search.rules.query import holds, parse
from functions.content.search.rules.snippets import snippet
from tests.unit.content.search.conftest import document


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Hello, World!", "hello world"),
        ("Café piñata STRASSE straße", "cafe pinata strasse strasse"),
        ("ﬁne ＦＵＬＬ", "fine full"),
        ("snake_case well-known", "snake case snakecase well known wellknown"),
        ("camelCase HTTPServer", "camel case camelcase http server httpserver"),
        ("don't rock’n’roll", "don t dont rock n roll rocknroll"),
        ("3.14 1,000 2026-11-21", "3.14 1,000 2026 11 21 20261121"),
        ("end. Next, then", "end next then"),
        ("東京都", "東京 京都"),
        ("東 x", "東 x"),
        ("全文search", "全文 search"),
        ("ภาษา", "ภา าษ ษา"),
        ("서울 시장", "서울 시장"),
        ("مرحبا بالعالم", "مرحبا بالعالم"),
        ("שָׁלוֹם", "שלום"),
        ("🙂🙃 ✨", ""),
        ("\u0301\u0308", ""),
        ("a\u0301b", "ab"),
        ("%*.*[a-z]+(", "a z az"),
        ("soft\u00adhyphen", "softhyphen"),
        ("Ünïcode_Wörter", "unicode worter unicodeworter"),
        ("x" * 60, "x" * 40),
    ],
    ids=repr,
)
def test_a_text_becomes_its_terms(text, expected):
    assert " ".join(terms(text)) == expected


def test_a_query_asks_for_the_parts_of_a_word_and_not_for_the_whole_as_well():
    assert [token.term for token in parts("well-known camelCase")] == ["well", "known", "camel", "case"]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_every_term_says_where_it_stands_and_is_bounded(text):
    for token in tokens(text):
        assert 1 <= len(token.term) <= 40
        assert 0 <= token.start < token.end <= len(text)
        assert fold(token.term) == token.term


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=80) | st.text("ab9_-'.,[@` A\u2019", max_size=20))
def test_the_short_way_to_the_terms_finds_the_same(text):
    assert terms(text) == [token.term for token in tokens(text)]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


def test_words_have_stems_in_the_languages_that_are_known():
    assert stem("recipes", "en") == stem("recipe", "en")
    assert stem("recetas", "es") == stem("receta", "es")
    assert stem("recipes", "xx") == "recipes"
    assert stem("3d", "en") == "3d"


@pytest.mark.parametrize(
    "one, other, expected",
    [
        ("bread", "bread", 0),
        ("bread", "braed", 1),
        ("bread", "bred", 1),
        ("bread", "breads", 1),
        ("bread", "broad", 1),
        ("bread", "drbea", 3),
        ("markdown", "markdwon", 1),
        ("ca", "abc", 3),
        ("kitten", "sitting", 3),
        ("", "ab", 2),
    ],
)
def test_the_distance_counts_letters_and_swaps(one, other, expected):
    assert typos.distance(one, other, 3) == typos.distance(other, one, 3) == expected
    for most in range(3):
        assert typos.distance(one, other, most) == min(expected, most + 1)


@pytest.mark.parametrize(
    "word, most", [("word", 5), ("wordier", 8), ("wordiest", 29), ("n" * 40, 29), ("abcdefghijk", 29)]
)
def test_a_word_has_a_bounded_number_of_keys(word, most):
    assert len(typos.keys(word)) <= most


@pytest.mark.parametrize("word, may", [("abc", False), ("abcd", True), ("abc1", False), ("2026", False)])
def test_short_words_and_numbers_are_what_they_are(word, may):
    assert typos.may_be_wrong(word) is may


@settings(max_examples=400, deadline=None)
@given(st.text(string.ascii_lowercase, min_size=5, max_size=12), st.data())
def test_one_typo_leaves_a_key_in_common(word, data):
    wrong = one_edit(word, data)

    assert set(typos.keys(word)) & set(typos.keys(wrong))


def one_edit(word, data):
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from(string.ascii_lowercase))
    return data.draw(
        st.sampled_from(
            [
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at:],
                word[:at] + letter + word[at + 1 :],
                word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
            ]
        )
    )


def test_a_query_is_taken_apart():
    asked = parse('sour "rye bread" -cake tag:Food type:post author:ANN dough')

    assert asked.words == ("sour", "rye", "bread", "dough")
    assert asked.quoted == {"rye", "bread"}
    assert asked.phrases == (("rye", "bread"),)
    assert asked.without == (("cake",),)
    assert (asked.tags, asked.types, asked.authors) == (("food",), ("post",), ("ann",))
    assert asked.open


@pytest.mark.parametrize(
    "text, words, is_open",
    [
        ("bread", ("bread",), True),
        ("bread ", ("bread",), False),
        ("bread!", ("bread",), False),
        ('"bread"', ("bread",), False),
        ("bread tag:x", ("bread",), False),
        ("to be or not to be", ("to", "be", "or", "not"), True),
        ('"', (), False),
        ("-", (), False),
        ("🙂", (), False),
        ("tag:", ("tag",), False),
        ("other:thing", ("other", "thing"), True),
        ("a*b%c", ("a", "b", "c"), True),
        ('-"rye bread" -x', (), False),
    ],
)
def test_there_is_no_wrong_query(text, words, is_open):
    asked = parse(text)

    assert (asked.words, asked.open) == (words, is_open)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=256))
def test_any_text_is_a_query(text):
    asked = parse(text)

    assert all(asked.words) and asked.quoted <= set(asked.words)


def test_a_phrase_stands_in_its_order():
    assert holds(["a", "rye", "bread"], ("rye", "bread"))
    assert not holds(["bread", "rye"], ("rye", "bread"))
    assert not holds([], ("rye",))


def test_the_head_of_a_document_weighs_more_than_its_body():
    body = "water bread " + "filler " * 120
    found = weigh(document("Bread", tags=("rye",), headings=("Flour",), body=body), Lengths()).impacts

    assert found["bread"] > max(found["rye"], found["flour"]) > found["water"]
    assert found["water"] < weigh(document("Bread", body="water water"), Lengths()).impacts["water"]


def test_a_stem_is_kept_beside_the_word_and_a_tag_by_its_name():
    found = weigh(document("Recipes", tags=("Sour Dough",), author="Ann"), Lengths()).impacts

    assert "~recip" in found and "recipes" in found
    assert found["#sour dough"] == found["@ann"] == 1
    assert "~recip" not in weigh(document("Recipes", lang="xx"), Lengths()).impacts


@pytest.mark.parametrize("kind, kept", [("post", 256), ("task", 64), ("entry", 48), ("link", 0)])
def test_a_body_of_fifty_thousand_words_is_bounded_by_its_type(kind, kept):
    body = " ".join(f"w{number}" for number in range(50_000))

    found = weigh(document("Title", body=body, type=kind, lang=""), Lengths())

    assert (len(found.impacts), found.truncated) == (kept + 1, 50_000 - kept)


def test_a_boost_is_part_of_the_impact_and_stays_in_bounds():
    plain, doubled = (weigh(document("Bread", boost=boost), Lengths()).impacts["bread"] for boost in (1.0, 2.0))

    assert plain * 2 - 1 <= doubled <= 65_535
    assert weigh(document("Bread", boost=0.5, body="rye " * 2_000), Lengths()).impacts["bread"] >= 1


@given(st.dictionaries(st.text(min_size=1, max_size=10), st.integers(1, 65_535), max_size=50))
def test_impacts_are_read_as_they_were_packed(impacts):
    assert unpacked(packed(impacts)) == {hashed(term): q for term, q in impacts.items()}


def test_a_snippet_shows_the_window_with_the_most_words_and_where_they_stand():
    text = "start " * 60 + "a loaf of <b>rye</b> & bread " + "end " * 60

    found = snippet(text, {"rye", "bread"}, "en")

    assert "&lt;b&gt;rye&lt;/b&gt; &amp; bread" in found.text
    assert [found.text[mark.offset : mark.offset + mark.length] for mark in found.marks] == ["rye", "bread"]


def test_a_snippet_marks_other_forms_of_a_word_and_the_letters_as_they_were_written():
    found = snippet("Las Piñatas y recetas", {"pinatas", "~recet"}, "es")

    assert [found.text[mark.offset : mark.offset + mark.length] for mark in found.marks] == ["Piñatas", "recetas"]


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.sampled_from("ab <>&'\"é\n-東京x"), max_size=400),
    st.sets(st.sampled_from(["a", "b", "ab", "x", "東京"])),
)
def test_no_snippet_is_markup(text, wanted):
    found = snippet(text, wanted, "en")

    assert not set(found.text) & set("<>\"'")
    places = [(mark.offset, mark.offset + mark.length) for mark in found.marks]
    assert places == sorted(places) and all(0 <= first < last <= len(found.text) for first, last in places)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(places))
