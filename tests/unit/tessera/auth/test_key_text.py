"""How a key is written, and what is no key."""

import re
import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera import ids
from tessera.auth import key_text

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
KEY_ID = "01HZX3J0V7Q8M4N5P6R7S8T9VW"


def by_hand(number: int) -> str:
    """The six digits of a checksum, worked out another way."""
    return "".join(DIGITS[number // 62**place % 62] for place in reversed(range(6)))


def test_a_key_has_the_published_form() -> None:
    text = key_text.new("live", KEY_ID)

    assert re.fullmatch(key_text.PATTERN, text)
    assert len(text) == key_text.LENGTH
    assert text.startswith(f"{key_text.prefix('live', KEY_ID)}_")


def test_the_checksum_is_the_crc_32_of_all_before_it() -> None:
    text = key_text.new("test", KEY_ID)

    assert text[-6:] == by_hand(zlib.crc32(text[:-6].encode()))


def test_the_secret_has_at_least_256_bits() -> None:
    assert 62**key_text.SECRET_CHARACTERS >= 2**256


def test_no_two_keys_have_one_secret() -> None:
    made = {key_text.new("live", KEY_ID)[26:69] for _ in range(1_000)}

    assert len(made) == 1_000
    assert set("".join(made)) == set(DIGITS)


def test_a_key_is_read_as_it_was_made() -> None:
    text = key_text.new("test", KEY_ID)

    found = key_text.parse(text)

    assert found is not None
    assert (found.env, found.name) == ("test", key_text.name_of(KEY_ID))
    assert found.signed == text[:-6].encode()


def test_the_name_says_which_key_it_is_and_hides_when_it_was_made() -> None:
    first, second = ids.at(1, bytes(10)), ids.at(2, bytes(10))

    assert key_text.name_of(first) == key_text.name_of(first)
    assert key_text.name_of(first)[:4] != key_text.name_of(second)[:4]
    assert len(key_text.name_of(first)) == key_text.NAME_CHARACTERS


def test_the_representation_of_a_key_leaves_its_secret_out() -> None:
    text = key_text.new("live", KEY_ID)

    shown = repr(key_text.parse(text))

    assert key_text.name_of(KEY_ID) in shown
    assert not any(text[start : start + 6] in shown for start in range(26, len(text) - 6))


@given(st.integers(0, 74), st.sampled_from(DIGITS))
def test_every_single_typing_error_is_found(place: int, typed: str) -> None:
    text = f"{key_text.prefix('live', KEY_ID)}_{'a' * 43}"
    text += key_text.checksum(text)
    wrong = text[:place] + typed + text[place + 1 :]

    assert (key_text.parse(wrong) is None) == (wrong != text)


@given(st.integers(26, 67))
def test_two_neighbours_that_changed_places_are_found(place: int) -> None:
    text = key_text.new("live", KEY_ID)
    wrong = text[:place] + text[place + 1] + text[place] + text[place + 2 :]

    assert (key_text.parse(wrong) is None) == (wrong != text)


@given(st.text(max_size=200))
def test_any_text_is_a_key_or_is_none(text: str) -> None:
    assert key_text.parse(text) is None


def lookalikes() -> list[str]:
    good = key_text.new("live", KEY_ID)
    return [
        "",
        good[:-1],
        good[1:],
        f"{good}\n",
        f" {good}",
        f"{good} ",
        good.upper(),
        good.replace("tsk_", "tsk-"),
        good.replace("live", "prod"),
        # Cyrillic and full-width letters, and digits of other scripts, that look like ours.
        good.replace("s", "\u0455", 1),
        good.replace("t", "\uff54", 1),
        good.replace("live", "l\u0456ve"),
        good[:-1] + "\u0661",
        good + good,
    ]


@pytest.mark.parametrize("text", lookalikes(), ids=range(len(lookalikes())))
def test_what_only_looks_like_a_key_is_none(text: str) -> None:
    assert key_text.parse(text) is None
