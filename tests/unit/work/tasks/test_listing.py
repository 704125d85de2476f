"""Pages, their cursors, and the search."""

from datetime import date, timedelta

import pytest

from functions.work.tasks.actions import find, plans
from functions.work.tasks.actions.find import Query
from functions.work.tasks.rules.task import INBOX, Sort, Status
from tessera import aws
from tessera.problems import InvalidRequest
from tests.kit.faults import failing
from tests.kit.stores import everything_in


@pytest.fixture
def pages(listing, search, owner):
    """`pages(limit=3, tag="home")`: every page of a list, as lists of titles."""

    def read(*, limit=3, most=40, **asked):
        found, state = [], None
        for _ in range(most):
            some, state = find.page(listing, search, owner.owner_id, Query(**asked), limit, state)
            found.append([task.title for task in some])
            if state is None:
                return found
        raise AssertionError("The list does not end.")

    return read


@pytest.fixture
def ten(add, run, frozen):
    """Ten tasks: every third is done, priorities and tags alternate, all due but the last two."""
    made = []
    for number in range(10):
        due = {"due_date": date(2030, 3, 12) + timedelta(days=number)} if number < 8 else {}
        task = add(str(number), priority=1 + number % 4, tags=("odd",) if number % 2 else (), **due)
        if number % 3 == 0:
            run(task, plans.complete)
        made.append(task)
        frozen.advance(seconds=1)
    return made


def joined(pages):
    return "".join(title for page in pages for title in page)


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        ({"list_id": INBOX}, "124578"),
        ({"list_id": INBOX, "status": Status.ALL}, "1245780369"),
        ({"list_id": INBOX, "status": Status.DONE}, "0369"),
        ({}, "875421"),
        ({"status": Status.ALL, "sort": Sort.CREATED}, "9876543210"),
        ({"status": Status.DONE, "sort": Sort.CREATED}, "9630"),
        ({"status": Status.DONE}, "9630"),
        ({"sort": Sort.PRIORITY}, "845127"),
        ({"sort": Sort.PRIORITY, "status": Status.ALL}, "8405192673"),
        ({"sort": Sort.DUE}, "12457"),
        ({"due": "today"}, "2"),
        ({"due": "overdue"}, "1"),
        ({"due": "next7"}, "2457"),
        ({"due": "none"}, "8"),
        ({"due": "2030-03-13..2030-03-16"}, "124"),
        ({"tag": "odd"}, "751"),
        ({"tag": "odd", "status": Status.ALL}, "97531"),
        ({"priority": 2}, "51"),
        ({"priority": 2, "status": Status.ALL}, "951"),
        ({"priority": 2, "list_id": INBOX}, "15"),
        ({"list_id": INBOX, "sort": Sort.DUE, "due": "next7", "tag": "odd"}, "57"),
        ({"sort": Sort.CREATED, "due": "next7", "list_id": INBOX}, "7542"),
    ],
    ids=str,
)
@pytest.mark.parametrize("limit", [1, 3, 50])
def test_every_page_together_is_the_whole_list_once(ten, pages, asked, titles, limit):
    found = pages(limit=limit, **asked)

    assert all(len(page) <= limit for page in found)
    assert joined(found) == titles


def test_what_is_due_today_depends_on_the_zone_of_who_asks(add, pages, frozen):
    # It is 09:26 UTC on the 14th: the 15th has not begun in Honolulu, where it is still the 13th.
    add("here", due_date=date(2030, 3, 14), tz="UTC")
    add("there", due_date=date(2030, 3, 13), tz="Pacific/Honolulu")

    assert joined(pages(due="today", tz="UTC")) == "therehere"
    assert joined(pages(due="today", tz="Pacific/Honolulu")) == "there"


def test_a_filter_no_index_serves_reads_at_most_four_pages(add, listing, search, owner, run, frozen):
    for number in range(12):
        add(str(number), priority=1)
    with aws.metered() as meter:
        find.page(listing, search, owner.owner_id, Query(list_id=INBOX, priority=3), 5, None)

    assert meter.operations == ["Query"]


def test_a_page_that_was_cut_short_goes_on_where_it_stopped(add, pages, frozen, monkeypatch):
    monkeypatch.setattr("functions.work.tasks.store.listing.PAGE_ROWS", 2)
    for number in range(20):
        add("x" if number % 10 else "y", tags=("t",) if number in (0, 19) else ())
        frozen.advance(seconds=1)

    found = pages(list_id=INBOX, tag="t")

    assert found[0] == ["y"]
    assert joined(found) == "yx"


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("milk", ["Buy milk", "Milk the cow"]),
        ("MIL", ["Buy milk", "Milk the cow"]),
        ("buy milk", ["Buy milk"]),
        ("milk buy", ["Buy milk"]),
        ("cow milk", ["Milk the cow"]),
        ("cafe", ["Café Übermut"]),
        ("ubermut cafe", ["Café Übermut"]),
        ("TV", ["Fix the tv"]),
        ("fix tv", ["Fix the tv"]),
        ("nothing", []),
        ("milk nothing", []),
    ],
)
@pytest.mark.parametrize("limit", [1, 10])
def test_search_finds_words_and_the_beginning_of_the_last(add, deliveries, pages, text, titles, limit, frozen):
    for title in ("Buy milk", "Milk the cow", "Café Übermut", "Fix the tv", "Milky"):
        add(title)
    deliveries.follow()

    found = [title for page in pages(q=text, limit=limit) for title in page]

    expected = [*titles, "Milky"] if text in ("milk", "MIL") else titles
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("text", ["fi", "the", "...", "milk fi"])
def test_a_search_by_too_little_is_refused(add, deliveries, pages, text, frozen):
    add("Fix the milk")
    deliveries.follow()
    with pytest.raises(InvalidRequest) as refused:
        pages(q=text)
    assert refused.value.errors[0].pointer == "?q"


def test_a_task_with_two_words_of_one_beginning_is_found_once(add, deliveries, pages, frozen):
    for _ in range(3):
        add("milk milky milkshake")
    deliveries.follow()

    assert joined(pages(q="mil", limit=1)).count("milky") == 3


def test_search_shows_the_task_as_it_is_now_though_its_rows_lag_behind(add, deliveries, pages, tasks, run, frozen):
    task = add("Buy milk")
    deliveries.follow()
    plans.run(tasks, task.owner_id, task.id, lambda found: plans.change(tasks, found, {"title": "Buy rye"}, by="me"))

    assert joined(pages(q="milk")) == ""
    deliveries.follow()
    assert joined(pages(q="rye")) == "Buy rye"
    run(task, plans.delete)
    assert joined(pages(q="rye")) == ""


def test_search_reads_at_most_five_hundred_candidates(add, search, owner, deliveries, monkeypatch, frozen):
    monkeypatch.setattr("functions.work.tasks.store.search.MAX_CANDIDATES", 4)
    monkeypatch.setattr("functions.work.tasks.store.search.BATCH", 2)
    for number in range(9):
        add(f"milk {number}")
    deliveries.follow()

    found, state, pages = [], None, 0
    while pages == 0 or state is not None:
        some, state = search.find(owner.owner_id, "milk", lambda task: task.title.endswith("8"), 10, state)
        found += some
        pages += 1
    assert [task.title for task in found] == ["milk 8"]
    assert pages == 3


def test_tags_are_counted_exactly_whatever_is_delivered_twice(add, run, deliveries, listing, tasks, owner, frozen):
    one, two = add("one", tags=("home", "garden")), add("two", tags=("home",))
    deliveries.follow()
    deliveries.follow()
    assert listing.tags(owner.owner_id, 10, None)[0] == [("garden", 1), ("home", 2)]

    run(one, plans.delete)
    plans.run(tasks, two.owner_id, two.id, lambda found: plans.untagged(found, "home", by="me"))
    deliveries.follow()
    deliveries.follow()

    assert listing.tags(owner.owner_id, 10, None)[0] == []


def test_tags_come_in_pages(add, deliveries, listing, owner, frozen):
    add("one", tags=("a", "b", "c"))
    deliveries.follow()

    first, state = listing.tags(owner.owner_id, 2, None)
    second, end = listing.tags(owner.owner_id, 2, state)
    assert (first, second, end) == ([("a", 1), ("b", 1)], [("c", 1)], None)


def test_a_change_that_touches_no_word_writes_no_search_row(add, search, tasks, frozen):
    task = add("Buy milk")
    search.derive(task.owner_id, task.id, task)

    with aws.metered() as meter:
        search.derive(task.owner_id, task.id, tasks.get(task.owner_id, task.id))

    assert meter.operations == ["GetItem", "GetItem"]


def test_a_crash_while_rows_are_derived_is_made_good_by_the_next_delivery(add, search, pages, table, frozen):
    task = add("Buy milk bread")
    for refused in ("PutItem", "UpdateItem"):
        with failing("dynamodb", refused, code="InternalServerError", times=1), pytest.raises(aws.ClientError):
            search.derive(task.owner_id, task.id, task)
    search.derive(task.owner_id, task.id, task)
    assert joined(pages(q="bread")) == "Buy milk bread"

    search.derive(task.owner_id, task.id, None)
    assert [item for item in everything_in(table) if item["pk"]["S"].startswith("K#")] == []
