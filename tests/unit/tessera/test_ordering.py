import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.ordering import between, is_key, several

SEEDS = st.integers(0, 2**32)


def plain(lower, upper):
    return between(lower, upper, jitter=None)


@pytest.mark.parametrize(
    ("lower", "upper", "key"),
    [
        (None, None, "a0"),
        ("a0", None, "a1"),
        (None, "a0", "Zz"),
        ("a1", "a2", "a1V"),
        ("az", None, "b00"),
        ("a0V", "a1", "a0l"),
        ("Zz", "a0", "ZzV"),
        ("Zz", "a1", "a0"),
        (None, "a0V", "a0"),
        ("a0", "a0V", "a0G"),
        ("bzz", None, "c000"),
        (None, "Y00", "Xzzz"),
        ("a0", "a00V", "a00G"),
        ("a0", "a001", "a000V"),
        ("z" + "z" * 26, None, "z" + "z" * 26 + "V"),
        (None, "A" + "0" * 25 + "1", "A" + "0" * 26 + "V"),
    ],
)
def test_midpoint_vectors(lower, upper, key):
    assert plain(lower, upper) == key


def test_three_between_two():
    assert several("a1", "a2", 3, jitter=None) == ["a1G", "a1V", "a1l"]


@pytest.mark.parametrize("bad", ["", "a", "a00", "b0", "A" + "0" * 26, "a!", "ä0", "00", "a0\n"])
def test_a_bound_that_is_no_key_is_refused(bad):
    assert not is_key(bad)
    with pytest.raises(ValueError):
        between(bad, None)


@pytest.mark.parametrize(("lower", "upper"), [("a1", "a1"), ("a2", "a1")])
def test_bounds_out_of_order_are_refused(lower, upper):
    with pytest.raises(ValueError):
        between(lower, upper)


@given(SEEDS, st.lists(st.integers(0, 2**16), max_size=60), st.booleans())
def test_keys_inserted_anywhere_stay_in_order(seed, places, jittered):
    chance = random.Random(seed).randrange if jittered else None
    keys: list[str] = []
    for place in places:
        at = place % (len(keys) + 1)
        lower = keys[at - 1] if at else None
        upper = keys[at] if at < len(keys) else None
        keys.insert(at, between(lower, upper, jitter=chance))

    assert keys == sorted(set(keys))
    assert all(is_key(key) for key in keys)


@given(SEEDS, st.integers(1, 60))
def test_jitter_never_leaves_the_gap_when_the_midpoint_is_a_prefix_of_the_upper_bound(seed, depth):
    chance = random.Random(seed).randrange
    lower, upper = "a1", "a2"
    for _ in range(depth):
        # Always against the lower bound: the midpoint is often a prefix of the upper one.
        key = between(lower, upper, jitter=chance)
        assert lower < key < upper
        upper = key


def test_appending_jitter_blindly_would_leave_the_gap():
    # The trap that the rule is for: the midpoint below `a0V` is `a0`, and `a0z` is above `a0V`.
    assert plain(None, "a0V") == "a0"
    assert "a0" + "zzzzz" > "a0V"
    assert between(None, "a0V", jitter=lambda below: below - 1) < "a0V"


def test_fifty_who_insert_into_one_gap_at_once_get_fifty_keys():
    keys = [between("a1", "a2") for _ in range(50)]

    assert len(set(keys)) == 50
    assert all("a1" < key < "a2" for key in keys)


def test_fifty_one_after_the_other_into_one_gap_stay_in_order():
    keys = ["a1", "a2"]
    for _ in range(50):
        keys.insert(1, between(keys[0], keys[1]))

    assert keys == sorted(set(keys))
    assert max(map(len, keys)) < 40


@pytest.mark.parametrize("end", ["after", "before"])
def test_ten_thousand_at_one_end_stay_short(end):
    keys: list[str] = []
    for _ in range(10_000):
        keys.append(between(keys[-1], None) if end == "after" and keys else between(None, keys[-1] if keys else None))

    assert keys == sorted(set(keys), reverse=end == "before")
    assert max(map(len, keys)) <= 9


@given(
    SEEDS, st.integers(0, 80), st.sampled_from([(None, None), ("a1", None), (None, "a1"), ("a1", "a1V"), ("a1", "a2")])
)
def test_several_are_as_many_as_asked_for_in_order_inside_the_bounds(seed, count, bounds):
    keys = several(*bounds, count, jitter=random.Random(seed).randrange)

    assert len(keys) == count
    assert keys == sorted(set(keys))
    assert all((bounds[0] or "") < key < (bounds[1] or "~") for key in keys)


def test_very_long_neighbours_are_no_obstacle():
    lower = "a0" + "z" * 3000

    assert lower < between(lower, "a1") < "a1"
