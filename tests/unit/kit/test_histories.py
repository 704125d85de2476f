"""The checker finds an order where there is one, and says so where there is none."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.histories import (
    NEVER,
    History,
    Lost,
    Operation,
    assert_conserved,
    assert_linearizable,
    check,
    claims,
    counter,
    register,
)


def op(client: int, name: str, given: object, answer: object, asked: float, answered: float = NEVER) -> Operation:
    return Operation(client, name, given, answer, asked, answered)


def test_reads_that_see_a_write_while_it_is_on_its_way_make_sense():
    history = [
        op(1, "write", ("a", 1), 2, 0, 10),
        op(2, "read", None, (None, 1), 1, 2),
        op(3, "read", None, ("a", 2), 3, 4),
    ]

    assert check(history, register()).is_linearizable


def test_a_read_that_goes_back_in_time_does_not():
    history = [
        op(1, "write", ("a", 1), 2, 0, 10),
        op(3, "read", None, ("a", 2), 1, 2),
        op(2, "read", None, (None, 1), 3, 4),
    ]

    with pytest.raises(AssertionError, match="none of these can follow"):
        assert_linearizable(history, register())


def test_a_write_that_was_answered_and_lost_does_not():
    history = [op(1, "write", ("a", 1), 2, 0, 1), op(2, "read", None, (None, 1), 2, 3)]

    assert not check(history, register()).is_linearizable


def test_two_writes_of_one_version_do_not_both_succeed():
    history = [op(1, "write", ("a", 1), 2, 0, 5), op(2, "write", ("b", 1), 2, 0, 5)]

    assert not check(history, register()).is_linearizable


@pytest.mark.parametrize("seen", [(None, 1), ("a", 2)], ids=["not done", "done"])
def test_a_write_without_an_answer_may_have_been_done_or_not(seen):
    history = [op(1, "write", ("a", 1), None, 0), op(2, "read", None, seen, 5, 6)]

    assert check(history, register()).is_linearizable


def test_a_write_without_an_answer_is_not_done_before_it_was_asked():
    history = [op(2, "read", None, ("a", 2), 0, 1), op(1, "write", ("a", 1), None, 2)]

    assert not check(history, register()).is_linearizable


def test_one_name_has_one_holder():
    both = [op(1, "take", "ann", True, 0, 5), op(2, "take", "bob", True, 1, 4)]
    one = [op(1, "take", "ann", False, 0, 5), op(2, "take", "bob", True, 1, 4)]

    assert check(one, claims()).is_linearizable
    assert not check(both, claims()).is_linearizable


def test_places_run_out_exactly():
    def taken(answers: list[bool]) -> list[Operation]:
        return [op(client, "take", None, answer, 0, 9) for client, answer in enumerate(answers)]

    assert check(taken([True, True, False]), counter(2)).is_linearizable
    assert not check(taken([True, False, False]), counter(2)).is_linearizable
    assert not check(taken([True, True, True]), counter(2)).is_linearizable


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=12))
def test_what_one_client_did_one_by_one_always_makes_sense(values):
    model, state, history = register(), register().start, []
    for moment, value in enumerate(values):
        state, answer = model.step(state, "write", (value, state[1]))
        history.append(op(1, "write", (value, state[1] - 1), answer, moment * 2, moment * 2 + 1))

    assert check(history, model).is_linearizable


def test_a_real_object_under_real_threads_is_found_sound():
    history, lock, taken = History(), threading.Lock(), []

    def take(client: int) -> bool:
        with lock:
            if len(taken) < 3:
                taken.append(client)
                return True
            return False

    threads = [
        threading.Thread(target=history.record, args=(client, "take", None, lambda client=client: take(client)))
        for client in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert_linearizable(history.operations, counter(3))


def test_an_operation_without_an_answer_is_noted_as_lost():
    def broken() -> None:
        raise Lost

    history = History()
    history.record(1, "take", None, broken)

    assert history.operations[0].is_lost


@pytest.mark.parametrize("after", [7, 10, 12])
def test_a_sum_that_fits_what_was_answered_is_conserved(after):
    assert_conserved([(5, True), (4, False), (3, None), (2, None)], before=2, after=after)


@pytest.mark.parametrize("after", [6, 13])
def test_a_sum_that_fits_nothing_is_not(after):
    with pytest.raises(AssertionError, match="must be 7 to 12"):
        assert_conserved([(5, True), (4, False), (3, None), (2, None)], before=2, after=after)
