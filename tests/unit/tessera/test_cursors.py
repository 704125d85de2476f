import secrets

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tessera import cursors, ids
from tessera.cursors import InvalidCursor

KEY = b"k" * 32
SCOPE = cursors.scope_of("owner", "GET /tasks", {"status": "open"})
STATES = st.dictionaries(
    st.text(max_size=10), st.none() | st.booleans() | st.integers() | st.text(max_size=20), max_size=4
)


@given(STATES)
def test_a_state_comes_back(state):
    text = cursors.encode(KEY, state, scope=SCOPE)

    assert cursors.decode(KEY, text, scope=SCOPE) == state
    assert len(text) <= 1024


@given(st.text(max_size=60) | st.text(alphabet="ABCabc012-_=", max_size=1100))
def test_no_text_is_ever_more_than_a_bad_cursor(text):
    with pytest.raises(InvalidCursor) as refused:
        cursors.decode(KEY, text, scope=SCOPE)

    assert (refused.value.status, refused.value.slug) == (400, "bad-cursor")


@given(STATES, st.data())
def test_one_altered_character_spoils_it(state, data):
    text = cursors.encode(KEY, state, scope=SCOPE)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="))

    altered = text[:place] + other + text[place + 1 :]

    if altered != text:
        with pytest.raises(InvalidCursor):
            cursors.decode(KEY, altered, scope=SCOPE)


@pytest.mark.parametrize(
    "scope",
    [
        cursors.scope_of("other", "GET /tasks", {"status": "open"}),
        cursors.scope_of("owner", "GET /tasks/tags", {"status": "open"}),
        cursors.scope_of("owner", "GET /tasks", {"status": "done"}),
        cursors.scope_of("owner", "GET /tasks"),
    ],
    ids=["owner", "route", "filter", "no filter"],
)
def test_a_cursor_of_another_list_is_refused(scope):
    text = cursors.encode(KEY, {"pk": "a"}, scope=SCOPE)

    with pytest.raises(InvalidCursor):
        cursors.decode(KEY, text, scope=scope)


def test_a_cursor_under_another_key_is_refused():
    text = cursors.encode(b"x" * 32, {"pk": "a"}, scope=SCOPE)

    with pytest.raises(InvalidCursor):
        cursors.decode(KEY, text, scope=SCOPE)


def test_the_order_of_filters_does_not_matter_and_their_borders_do():
    assert cursors.scope_of("o", "r", {"a": 1, "b": 2}) == cursors.scope_of("o", "r", {"b": 2, "a": 1})
    assert cursors.scope_of("o", "rx", {}) != cursors.scope_of("or", "x", {})


def test_a_state_that_makes_a_cursor_over_one_kilobyte_is_a_defect():
    with pytest.raises(ValueError, match="1024"):
        cursors.encode(KEY, {"pk": secrets.token_hex(1000)}, scope=SCOPE)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=120, max_size=120))
@example("北" * 120)
@example("".join(map(chr, range(0x20000, 0x20078))))
def test_the_longest_name_in_any_script_fits_though_an_index_holds_it_twice(name):
    key = {"pk": f"UNQ#name#{name}", "sk": "MAIN", "gs1_pk": "DIRECTORY", "gs1_sk": f"{name}#{ids.new()}"}

    text = cursors.encode(KEY, {"after": key}, scope=SCOPE)

    assert cursors.decode(KEY, text, scope=SCOPE) == {"after": key}
