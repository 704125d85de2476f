from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera import clock, ids

TEN = st.binary(min_size=10, max_size=10)
MILLIS = st.integers(0, ids.MAX_MILLIS)


class Still:
    def now(self) -> datetime:
        return datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_new_id_carries_the_time_of_the_clock():
    with clock.using(Still()):
        made = ids.new()

        assert ids.is_ulid(made)
        assert ids.timestamp_ms(made) == clock.millis()


def test_ten_thousand_ids_of_one_millisecond_are_distinct():
    with clock.using(Still()):
        assert len({ids.new() for _ in range(10_000)}) == 10_000


def test_the_vector_of_the_specification():
    assert ids.timestamp_ms("01ARZ3NDEKTSV4RRFFQ69G5FAV") == 1469922850259


@given(MILLIS, TEN)
def test_the_time_comes_back(millis, bits):
    made = ids.at(millis, bits)

    assert ids.is_ulid(made)
    assert ids.timestamp_ms(made) == millis


@given(st.tuples(MILLIS, TEN), st.tuples(MILLIS, TEN))
def test_ids_sort_as_their_times_and_bits_do(one, other):
    assert (ids.at(*one) < ids.at(*other)) == (one < other)


@pytest.mark.parametrize(("millis", "bits"), [(-1, bytes(10)), (2**48, bytes(10)), (0, bytes(9)), (0, bytes(11))])
def test_what_does_not_fit_is_refused(millis, bits):
    with pytest.raises(ValueError):
        ids.at(millis, bits)


@pytest.mark.parametrize(
    "text", ["", "0" * 25, "0" * 27, "8" + "0" * 25, "I" + "0" * 25, "0" * 25 + "u", "0" * 26 + "\n", "٠" * 26]
)
def test_what_is_no_ulid_is_refused(text):
    assert not ids.is_ulid(text)
    with pytest.raises(ValueError):
        ids.timestamp_ms(text)


@given(MILLIS, st.integers(0, 2**74 - 1))
def test_a_uuid_version_7_gives_its_time_and_its_bits(millis, chance):
    number = millis << 80 | 7 << 76 | (chance >> 62) << 64 | 2 << 62 | chance & (2**62 - 1)

    assert ids.from_uuid7(str(UUID(int=number))) == (millis, chance)
    assert ids.key_time(str(UUID(int=number)).upper()) == millis


def test_the_vector_of_rfc_9562():
    assert ids.key_time("017F22E2-79B0-7CC3-98C4-DC0C0C07398F") == 0x017F22E279B0


@pytest.mark.parametrize(
    "key",
    [
        "",
        "order-17",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "017F22E279B07CC398C4DC0C0C07398F",
        "017f22e2-79b0-7cc3-c8c4-dc0c0c07398f",
        "ﬁ" + "0" * 24,
    ],
)
def test_a_key_without_a_time_carries_none(key):
    assert ids.key_time(key) is None


@given(MILLIS, TEN)
def test_a_ulid_key_gives_its_time_in_either_case(millis, bits):
    key = ids.at(millis, bits)

    assert ids.key_time(key) == ids.key_time(key.lower()) == millis


@given(MILLIS, st.binary(min_size=32, max_size=32))
def test_a_derived_id_depends_on_nothing_but_its_key(millis, mac):
    assert ids.derived(millis, mac) == ids.derived(millis, mac) == ids.at(millis, mac[:10])


@pytest.mark.parametrize("chance", [bytes(10), b"\xff" * 10, bytes(range(10))], ids=repr)
def test_the_bits_of_an_id_are_those_it_was_made_of(chance):
    assert ids.bits(ids.at(1_700_000_000_000, chance)) == chance


def test_what_is_no_id_has_no_bits():
    with pytest.raises(ValueError, match="not a ULID"):
        ids.bits("x" * 26)
