"""The hash over a day."""

import hashlib

from hypothesis import assume, given
from hypothesis import strategies as st

from functions.identity.admin import merkle

LEAVES = st.lists(st.binary(min_size=32, max_size=32), max_size=40)


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 9162 2.1.1, as it stands there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = by_definition(leaves[:split]), by_definition(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@given(LEAVES)
def test_the_root_is_that_of_the_definition(leaves):
    assert merkle.root(leaves) == by_definition(leaves)


@given(LEAVES, st.integers(0, 39), st.binary(min_size=32, max_size=32))
def test_another_leaf_makes_another_root(leaves, place, other):
    assume(place < len(leaves) and leaves[place] != other)

    assert merkle.root([*leaves[:place], other, *leaves[place + 1 :]]) != merkle.root(leaves)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40))
def test_a_leaf_more_or_less_makes_another_root(leaves):
    assert merkle.root(leaves[:-1]) != merkle.root(leaves)


def test_the_hash_of_an_entry_does_not_depend_on_the_order_of_its_fields():
    assert merkle.leaf({"a": 1, "b": "ü"}) == merkle.leaf({"b": "ü", "a": 1})
    assert merkle.leaf({"a": 1}) != merkle.leaf({"a": 2})


def test_a_leaf_is_never_taken_for_a_node():
    left, right = merkle.leaf({"a": 1}), merkle.leaf({"a": 2})

    assert hashlib.sha256(b"\x00" + left + right).digest() != merkle.root([left, right])


KEYED = st.dictionaries(st.text(alphabet="abcdef", min_size=1, max_size=4), st.sampled_from("xyz"), max_size=12)


@given(KEYED)
def test_nothing_differs_from_itself(entries):
    assert merkle.first_difference(sorted(entries.items()), sorted(entries.items())) is None


@given(KEYED, KEYED)
def test_the_first_difference_is_the_first_there_is(before, after):
    assume(before != after)

    found = merkle.first_difference(sorted(before.items()), sorted(after.items()))

    wrong = min(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    what = "missing" if wrong not in after else "added" if wrong not in before else "changed"
    assert found == (wrong, what)
