from typing import ClassVar

import pytest
from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from tessera import aws
from tessera.bus import Event
from tessera.expressions import is_new
from tessera.problems import Busy, Problem
from tessera.tables import Row
from tessera.transact import SomeRefused, checking, deleting, putting, telling, transact, updating
from tests.kit.faults import answer_lost, contention, failing
from tests.kit.stores import events_in, everything_in


class SeatRow(Row):
    holder = UnicodeAttribute()


class HallRow(Row):
    left = NumberAttribute()


class SeatTaken(Problem):
    status, slug, title = 409, "seat-taken", "The seat is taken"


class HallFull(Problem):
    status, slug, title = 409, "hall-full", "The hall is full"


class SeatBooked(Event):
    type: ClassVar[str] = "tasks.seat.booked.v1"


@pytest.fixture
def hall(table_of):
    table = table_of("Tasks")
    table.put(HallRow(pk="HALL", sk="MAIN", left=2))
    return table


def booking(table, seat, holder="ann"):
    return (
        putting(table, SeatRow(pk="HALL", sk=seat, holder=holder), only_if=is_new(), refused=SeatTaken),
        updating(table, HallRow, "HALL", "MAIN", HallRow.left.add(-1), only_if=HallRow.left > 0, refused=HallFull),
    )


def left(table):
    return table.get(HallRow, "HALL", "MAIN").left


def test_all_of_it_happens(hall):
    transact(*booking(hall, "S#1"))

    assert hall.get(SeatRow, "HALL", "S#1").holder == "ann"
    assert left(hall) == 1


def test_a_refused_step_names_its_own_problem_and_nothing_happens(hall):
    transact(*booking(hall, "S#1"))

    with pytest.raises(SeatTaken):
        transact(*booking(hall, "S#1", "bob"))

    assert left(hall) == 1


def test_the_first_refused_step_in_order_decides(hall):
    transact(*booking(hall, "S#1"))
    transact(*booking(hall, "S#2"))

    with pytest.raises(SeatTaken):
        transact(*booking(hall, "S#2"))
    with pytest.raises(HallFull):
        transact(*booking(hall, "S#3"))


def test_a_refusal_may_look_at_the_item_in_the_way(hall):
    transact(*booking(hall, "S#1"))
    step = putting(
        hall,
        SeatRow(pk="HALL", sk="S#1", holder="bob"),
        only_if=is_new(),
        refused=lambda old: SeatTaken(f"{old.holder} holds it."),
    )

    with pytest.raises(SeatTaken, match="ann holds it"):
        transact(step)


def test_a_check_holds_a_condition_without_a_change(hall):
    with pytest.raises(HallFull):
        transact(
            checking(hall, HallRow, "HALL", "MAIN", only_if=HallRow.left > 5, refused=HallFull),
            putting(hall, SeatRow(pk="HALL", sk="S#9", holder="ann")),
        )

    assert len(everything_in(hall)) == 1


def test_contention_alone_is_tried_again_until_it_passes(hall):
    with failing("dynamodb", "TransactWriteItems", code="ThrottlingException", times=3) as failed:
        transact(*booking(hall, "S#1"))

    assert len(failed) == 3
    assert left(hall) == 1


def test_conflicts_change_no_result(hall):
    with contention(0.3, seed=7) as met:
        for number in range(2):
            transact(*booking(hall, f"S#{number}"))
        for number in range(12):
            with pytest.raises(HallFull):
                transact(*booking(hall, f"T#{number}"))

    assert left(hall) == 0
    assert met[0] > 0


def test_endless_contention_says_try_again(hall):
    with failing("dynamodb", "TransactWriteItems", code="ThrottlingException"), pytest.raises(Busy):
        transact(*booking(hall, "S#1"))


def test_a_lost_answer_after_our_own_write_is_a_success(hall):
    with answer_lost("TransactWriteItems"):
        transact(*booking(hall, "S#1"))

    assert left(hall) == 1


def test_a_lost_answer_is_a_success_also_where_another_step_is_refused_before_our_own_write(hall):
    seat, last_place = booking(hall, "S#1")
    hall.update(HallRow, "HALL", "MAIN", HallRow.left.set(1))

    with answer_lost("TransactWriteItems"):
        transact(last_place, seat)

    assert left(hall) == 0


def test_a_write_that_the_client_sent_twice_by_itself_is_a_success(hall):
    sent = []

    def send_once_more(service, operation, parameters):
        if operation == "TransactWriteItems" and not sent:
            sent.append(1)
            aws.client("dynamodb").transact_write_items(**parameters)

    with aws.intercepted(send_once_more):
        transact(*booking(hall, "S#1"))

    assert left(hall) == 1


def test_two_actions_on_one_item_are_refused_before_the_call(hall):
    with pytest.raises(ValueError, match="two actions on one item"):
        transact(putting(hall, SeatRow(pk="A", sk="B", holder="x")), deleting(hall, SeatRow, "A", "B"))


def test_more_than_a_hundred_actions_are_refused_before_the_call(hall):
    steps = [putting(hall, SeatRow(pk="A", sk=str(number), holder="x")) for number in range(101)]

    with pytest.raises(ValueError, match="takes 100 actions"):
        transact(*steps)


def test_a_second_event_rides_on_an_item_of_its_own(hall):
    seat = SeatRow(pk="HALL", sk="S#1", holder="ann")

    transact(putting(hall, seat, event=SeatBooked()), telling(hall, SeatBooked()))

    assert events_in(hall) == [SeatBooked.type, SeatBooked.type]


def test_every_refused_step_is_told_to_who_asks_for_that(hall):
    transact(*booking(hall, "A1"))
    steps = [
        putting(hall, SeatRow(pk="HALL", sk=seat, holder="bob"), only_if=is_new()) for seat in ("A1", "A2", "MAIN")
    ]

    with pytest.raises(SomeRefused) as told:
        transact(*steps, tell_all=True)

    assert [step.item_key[2] for step in told.value.steps] == ["A1", "MAIN"]
    assert hall.get(SeatRow, "HALL", "A2") is None


def test_contention_is_tried_again_by_who_asks_for_all_refusals_as_well(hall):
    with contention(0.5, seed=3) as met:
        transact(*booking(hall, "A1"), tell_all=True)
        transact(*booking(hall, "A2"), tell_all=True)

    assert met[0] and left(hall) == 0
