"""Due ranges, quick add, places and filters: decisions that need nothing but their arguments."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from functions.work.tasks.rules import quick
from functions.work.tasks.rules.due import due_range, end_of_day, start_of_day
from functions.work.tasks.rules.filters import chosen
from functions.work.tasks.rules.task import MAX_DEPTH, Sort, Status, appended, check_parents, placed
from functions.work.tasks.rules.todo import Todo, sorted_todos
from tessera import ordering
from tessera.problems import InvalidRequest
from tessera.types import Tag

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@given(st.integers(0, 3_000_000_000_000), st.integers(1, 10_000_000))
def test_what_is_added_later_stands_behind_what_was_added_before(millis, later):
    first, second = appended(millis), appended(millis + later)

    assert ordering.is_key(first)
    assert first < second
    assert first < ordering.between(first, second) < second


def test_a_place_between_two_that_swapped_is_the_end():
    assert placed("a2", "a1", otherwise="z") == "z"
    assert placed(None, None, otherwise="z") == "z"


def test_a_place_beside_one_neighbour_is_beside_it():
    assert placed("a1", None, otherwise="z") > "a1"
    assert placed(None, "a1", otherwise="z") < "a1"


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("overdue", None, "2026-11-21T11:59:59.999+00:00"),
        ("today", "2026-11-20T23:00:00+00:00", "2026-11-21T22:59:59.999+00:00"),
        ("next7", "2026-11-20T23:00:00+00:00", "2026-11-27T22:59:59.999+00:00"),
        ("2026-12-01..2026-12-02", "2026-11-30T23:00:00+00:00", "2026-12-02T22:59:59.999+00:00"),
        ("2026-12-01..", "2026-11-30T23:00:00+00:00", None),
        ("..2026-12-02", None, "2026-12-02T22:59:59.999+00:00"),
    ],
)
def test_a_due_range_is_of_the_zone_it_is_asked_in(text, since, until):
    found = due_range(text, BERLIN, NOW)

    assert found.since == (datetime.fromisoformat(since) if since else None)
    assert found.until == (datetime.fromisoformat(until) if until else None)


@pytest.mark.parametrize(
    "text", ["", "..", "soon", "2026-02-30..", "2026-12-02..2026-12-01", "20261201..", "0001-01-01.."]
)
def test_a_due_range_that_makes_no_sense_is_refused(text):
    with pytest.raises(InvalidRequest):
        due_range(text, BERLIN, NOW)


@given(
    st.dates(date(1970, 1, 1), date(2200, 12, 31)),
    st.sampled_from(["UTC", "Europe/Berlin", "America/Nuuk", "Pacific/Apia"]),
)
def test_a_day_ends_just_before_the_next_one_starts(day, zone):
    start, end = start_of_day(day, ZoneInfo(zone)), end_of_day(day, ZoneInfo(zone))
    following = start_of_day(date.fromordinal(day.toordinal() + 1), ZoneInfo(zone))

    assert (following - end).total_seconds() == 0.001
    assert start <= following


def test_the_order_that_suits_a_filter_is_chosen():
    def sort(**given):
        asked = {"sort": None, "status": None, "list_id": None, "due": None, "priority": None, "tag": None, **given}
        return chosen(**asked).sort

    assert sort() is Sort.CREATED
    assert sort(list_id="L") is Sort.MANUAL
    assert sort(due=due_range("today", BERLIN, NOW)) is Sort.DUE
    assert sort(due=due_range("none", BERLIN, NOW)) is Sort.CREATED
    assert sort(status=Status.DONE) is Sort.COMPLETED


@pytest.mark.parametrize(
    "given",
    [
        {"sort": Sort.MANUAL},
        {"sort": Sort.DUE, "status": Status.DONE},
        {"sort": Sort.DUE, "due": due_range("none", BERLIN, NOW)},
        {"sort": Sort.COMPLETED, "status": Status.OPEN},
    ],
)
def test_a_pair_that_no_index_serves_is_refused(given):
    asked = {"sort": None, "status": None, "list_id": None, "due": None, "priority": None, "tag": None, **given}
    with pytest.raises(InvalidRequest):
        chosen(**asked)


def test_tasks_nest_three_levels_deep():
    check_parents("T", [], MAX_DEPTH - 1)
    with pytest.raises(InvalidRequest):
        check_parents("T", [], MAX_DEPTH)


def test_todos_come_by_order_and_then_as_they_were_made():
    todos = [Todo("2", "b"), Todo("1", "a"), Todo("3", "c", order=2), Todo("4", "d", order=-1.5)]
    assert [todo.id for todo in sorted_todos(todos)] == ["4", "3", "1", "2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Buy milk", ("Buy milk", None, None, None, [], None)),
        ("Buy milk tomorrow", ("Buy milk", date(2026, 11, 22), None, None, [], None)),
        ("Call Ann today 9pm #work p1", ("Call Ann", date(2026, 11, 21), time(21), 1, ["work"], None)),
        ("Call at 14:30", ("Call", date(2026, 11, 21), time(14, 30), None, [], None)),
        ("Call at 9am", ("Call", date(2026, 11, 22), time(9), None, [], None)),
        ("Lunch at noon friday", ("Lunch", date(2026, 11, 27), time(12), None, [], None)),
        ("Report next saturday", ("Report", date(2026, 11, 28), None, None, [], None)),
        ("Tax in 2 weeks", ("Tax", date(2026, 12, 5), None, None, [], None)),
        ("Party on 2026-12-24 #fun #Home", ("Party", date(2026, 12, 24), None, None, ["fun", "home"], None)),
        (
            "Stand-up every weekday 9am",
            ("Stand-up", date(2026, 11, 23), time(9), None, [], "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ),
        ("Water every day", ("Water", date(2026, 11, 21), None, None, [], "FREQ=DAILY")),
        ("Bins every other week", ("Bins", date(2026, 11, 21), None, None, [], "FREQ=WEEKLY;INTERVAL=2")),
        ("Rent every 3 months p2", ("Rent", date(2026, 11, 21), None, 2, [], "FREQ=MONTHLY;INTERVAL=3")),
        ("Club every 2nd tuesday", ("Club", date(2026, 12, 8), None, None, [], "FREQ=MONTHLY;BYDAY=2TU")),
        (
            "Gym tomorrow 9am #tag p1 every weekday",
            ("Gym", date(2026, 11, 22), time(9), 1, ["tag"], "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ),
        ("Meet on 2026-02-30", ("Meet on 2026-02-30", None, None, None, [], None)),
        ("Watch 13pm of it at 25:00", ("Watch 13pm of it at 25:00", None, None, None, [], None)),
        ("every 0 days", ("every 0 days", None, None, None, [], None)),
        ("p5 C# today1", ("p5 C# today1", None, None, None, [], None)),
    ],
)
def test_quick_add_understands(text, expected):
    found = quick.read(text, BERLIN, NOW)

    assert (found.title, found.day, found.at, found.priority, found.tags, found.rule) == expected


@given(st.text(max_size=80))
def test_quick_add_takes_any_text(text):
    quick.read(text, BERLIN, NOW)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=45))
def test_quick_add_makes_the_tags_that_a_task_may_carry_and_no_others(text):
    wanted = TypeAdapter(Tag)

    for tag in quick.read(f"Buy milk #{text} now", BERLIN, NOW).tags:
        assert wanted.validate_python(tag) == tag


def test_a_tag_of_the_longest_kind_is_understood():
    assert quick.read(f"Buy milk #{'A' * quick.MAX_TAG}", BERLIN, NOW).tags == ["a" * quick.MAX_TAG]
