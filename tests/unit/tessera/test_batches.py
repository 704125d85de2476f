from hypothesis import given
from hypothesis import strategies as st

from tessera import batches
from tessera.batches import MOST_BYTES, MOST_ENTRIES


@given(st.lists(st.integers(0, MOST_BYTES // 2).map("é".__mul__), max_size=40))
def test_everything_comes_in_its_order_and_no_batch_is_too_much(texts):
    made = list(batches.batches(texts, str))

    assert [text for batch in made for text in batch] == texts
    assert all(1 <= len(batch) <= MOST_ENTRIES for batch in made)
    assert all(sum(len(text.encode()) for text in batch) <= MOST_BYTES for batch in made)


def test_what_is_too_long_by_itself_takes_no_other_along():
    long = "x" * (MOST_BYTES + 1)

    assert list(batches.batches(["a", long, "b"], str)) == [["a"], [long], ["b"]]


def test_short_things_go_ten_at_a_time():
    assert [len(batch) for batch in batches.batches(map(str, range(25)), str)] == [10, 10, 5]
