import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.words import STOP_WORDS, tokens


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Buy milk", ["buy", "milk"]),
        ("Café CRÈME brûlée", ["cafe", "creme", "brulee"]),
        ("Straße, STRASSE", ["strasse"]),
        ("the cat and the hat", ["cat", "hat"]),
        ("ﬁnance Ｆｕｌｌ №7", ["finance", "full", "no7"]),
        ("a-b_c d.e", ["b", "c", "d", "e"]),
        ("don't", ["don", "t"]),
        ("東京 タワー", ["東京", "タワー"]),
        ("milk Milk MILK", ["milk"]),
        ("🎉 !!! \x00", []),
        ("", []),
    ],
)
def test_token_vectors(text, found):
    assert tokens(text) == found


def test_the_stop_list_has_forty_words():
    assert len(STOP_WORDS) == 40


def test_at_most_sixteen_tokens_are_kept_and_stop_words_take_no_place():
    text = " ".join(f"the w{number}" for number in range(30))

    assert tokens(text) == [f"w{number}" for number in range(16)]


def test_a_word_of_any_length_makes_a_short_token():
    assert tokens("x" * 5000) == ["x" * 64]


@given(st.text(max_size=200))
def test_tokens_hold_letters_and_digits_only_and_are_stable(text):
    found = tokens(text)

    assert len(found) <= 16 and len(set(found)) == len(found)
    assert all(token.isalnum() and token not in STOP_WORDS and len(token) <= 64 for token in found)
    assert tokens(" ".join(found)) == found


@given(st.text(max_size=60))
def test_case_does_not_matter(text):
    assert tokens(text.casefold()) == tokens(text)
