"""Completing, reopening, moving, nesting, bulk: on a store, with races, contention and crashes."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from functions.work.tasks.actions import bulk, plans
from functions.work.tasks.rules.filters import chosen
from functions.work.tasks.rules.task import INBOX, NeighbourGone, Recurrence, Sort, Status
from tessera import aws, clock, ids
from tessera.etags import StaleVersion
from tessera.problems import Busy, InvalidRequest, NotFound
from tests.kit.faults import contention, failing
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in

DAILY = Recurrence("FREQ=DAILY")


def wanted(**given):
    asked = {"sort": None, "status": None, "list_id": None, "due": None, "priority": None, "tag": None, **given}
    return chosen(**asked)


@pytest.fixture
def all_of(listing, owner):
    def read(**given):
        return listing.page(owner.owner_id, wanted(**given), 100, None)[0]

    return read


@pytest.fixture
def counts(tasks, owner):
    def read(list_id=INBOX):
        found = tasks.get_list(owner.owner_id, list_id)
        return found.open_count, found.done_count

    return read


def test_complete_race_spawns_once(tasks, add, run, all_of, counts, frozen):
    task = add("Water", due_date=date(2030, 3, 14), recurrence=DAILY)

    results = together(lambda: run(task, plans.complete), times=20)

    assert outcomes(results) == {"ok": 20}
    assert sum(result.value.next_task is not None for result in results) == 1
    assert [one.due_date for one in all_of(status=Status.OPEN)] == [date(2030, 3, 15)]
    assert counts() == (1, 1)


def test_complete_race_under_contention_spawns_once(tasks, add, run, all_of, counts, frozen):
    task = add("Water", due_date=date(2030, 3, 14), recurrence=DAILY)

    # The first roll of this seed is a conflict, however many transactions the threads come to.
    with contention(0.3, seed=1) as met:
        results = together(lambda: run(task, plans.complete), times=20)

    assert met[0] > 0
    assert outcomes(results) == {"ok": 20}
    assert len(all_of(status=Status.OPEN)) == 1
    assert counts() == (1, 1)


def test_completing_keeps_the_finished_occurrence_as_history(add, run, tasks, frozen):
    task = add("Water", due_date=date(2030, 3, 14), recurrence=DAILY, tags=("home",), notes="the fern too")

    plan = run(task, plans.complete)

    done, following = tasks.get(task.owner_id, task.id), tasks.get(task.owner_id, plan.next_task.id)
    assert done.is_done and done.next_id == following.id and done.due_date == date(2030, 3, 14)
    assert (following.title, following.tags, following.notes, following.version) == (
        "Water",
        ("home",),
        "the fern too",
        1,
    )


def test_completing_a_done_task_changes_nothing(add, run, frozen):
    task = add("Water", due_date=date(2030, 3, 14), recurrence=DAILY)
    first = run(task, plans.complete)

    again = run(task, plans.complete)

    assert again.task == first.task
    assert again.writes == ()


def test_reopening_takes_back_an_untouched_next_one(add, run, tasks, counts, frozen):
    task = add("Water", due_date=date(2030, 3, 14), recurrence=DAILY, tags=("home",))
    following = run(task, plans.complete).next_task

    run_plan = plans.run(tasks, task.owner_id, task.id, lambda found: plans.reopen(tasks, found, by="me"))

    assert not run_plan.task.is_done
    assert tasks.find(task.owner_id, following.id) is None
    assert counts() == (1, 0)


def test_reopening_keeps_a_next_one_that_somebody_has_touched(add, run, tasks, counts, frozen):
    task = add("Water", due_date=date(2030, 3, 14), recurrence=DAILY)
    following = run(task, plans.complete).next_task
    plans.run(tasks, task.owner_id, following.id, lambda found: plans.tagged(found, "mine", by="me"))

    plans.run(tasks, task.owner_id, task.id, lambda found: plans.reopen(tasks, found, by="me"))

    assert tasks.get(task.owner_id, following.id).tags == ("mine",)
    assert counts() == (2, 0)


def test_reopening_and_touching_the_next_one_at_once_loses_neither_decision(add, run, tasks, counts, frozen):
    for _ in range(5):
        task = add("Water", due_date=date(2030, 3, 14), recurrence=DAILY)
        following = run(task, plans.complete).next_task
        touched, opened = together(
            lambda one=following: plans.run(
                tasks, one.owner_id, one.id, lambda found: plans.tagged(found, "mine", by="me")
            ),
            lambda one=task: plans.run(tasks, one.owner_id, one.id, lambda found: plans.reopen(tasks, found, by="me")),
        )

        assert opened.name == "ok"
        is_kept = tasks.find(task.owner_id, following.id) is not None
        assert touched.name == ("ok" if is_kept else "not-found")


def test_fifty_moves_into_one_gap_end_in_fifty_places(add, tasks, listing, all_of, frozen):
    first = add("first")
    frozen.advance(seconds=1)
    last = add("last")
    moved = [add(f"task {number}") for number in range(50)]

    def into_gap(one):
        return lambda: plans.run(
            tasks,
            one.owner_id,
            one.id,
            lambda found: plans.move(
                tasks, listing, found, by="me", list_id=None, after_id=first.id, before_id=last.id
            ),
        )

    results = together(*(into_gap(one) for one in moved))

    assert outcomes(results) == {"ok": 50}
    places = [tasks.get(one.owner_id, one.id).pos for one in moved]
    assert len(set(places)) == 50
    assert all(first.pos < place < last.pos for place in places)
    order = [task.id for task in all_of(list_id=INBOX)]
    assert (order[0], order[-1]) == (first.id, last.id)


def test_a_move_beside_one_neighbour_lands_beside_it(add, tasks, listing, all_of, frozen):
    titles = "abcd"
    made = {}
    for title in titles:
        made[title] = add(title)
        frozen.advance(seconds=1)

    def move(title, **where):
        one = made[title]
        plans.run(
            tasks,
            one.owner_id,
            one.id,
            lambda found: plans.move(tasks, listing, found, by="me", list_id=None, **where),
        )
        return "".join(task.title for task in all_of(list_id=INBOX))

    assert move("d", after_id=made["a"].id) == "adbc"
    assert move("a", before_id=made["c"].id) == "dbac"
    assert move("d") == "bacd"
    with pytest.raises(NeighbourGone):
        move("d", after_id=ids.new(), before_id=ids.new())
    assert move("d", after_id=ids.new(), before_id=made["b"].id) == "dbac"


def test_a_move_to_another_list_takes_the_counts_along(add, add_list, tasks, listing, counts, frozen):
    task, other = add(), add_list()

    plans.run(tasks, task.owner_id, task.id, lambda found: plans.move(tasks, listing, found, by="me", list_id=other.id))

    assert counts() == (0, 0)
    assert counts(other.id) == (1, 0)


def test_a_move_to_a_list_that_is_not_there_is_refused_by_its_field(add, tasks, listing, frozen):
    task = add()
    with pytest.raises(InvalidRequest) as refused:
        plans.run(
            tasks, task.owner_id, task.id, lambda found: plans.move(tasks, listing, found, by="me", list_id=ids.new())
        )

    assert refused.value.errors[0].pointer == "/list_id"


def test_parents_nest_three_levels_and_no_deeper(add, frozen):
    top = add("top")
    middle = add("middle", parent_id=top.id)
    leaf = add("leaf", parent_id=middle.id)

    with pytest.raises(InvalidRequest):
        add("too deep", parent_id=leaf.id)


def test_a_task_never_gets_below_itself(add, tasks, frozen):
    top = add("top")
    below = add("below", parent_id=top.id)

    for parent in (top, below):
        with pytest.raises(InvalidRequest) as refused:
            plans.run(
                tasks,
                top.owner_id,
                top.id,
                lambda found, parent=parent: plans.change(tasks, found, {"parent_id": parent.id}, by="me"),
            )
        assert refused.value.errors[0].pointer == "/parent_id"


def test_two_tasks_put_below_each_other_at_once_make_no_circle(add, tasks, frozen):
    for _ in range(5):
        one, other = add("one"), add("other")

        def below(child, parent):
            return lambda: plans.run(
                tasks,
                child.owner_id,
                child.id,
                lambda found: plans.change(tasks, found, {"parent_id": parent.id}, by="me"),
            )

        results = together(below(one, other), below(other, one))

        assert outcomes(results) == {"ok": 1, "invalid-request": 1}


def test_a_subtree_that_is_too_high_is_refused(add, tasks, frozen):
    top = add("top")
    add("middle", parent_id=top.id)
    add("leaf", parent_id=tasks.children(top.owner_id, top.id)[0])
    other = add("other")

    with pytest.raises(InvalidRequest):
        plans.run(
            tasks,
            top.owner_id,
            top.id,
            lambda found: plans.change(tasks, found, {"parent_id": other.id}, by="me"),
        )


def test_a_change_that_changes_nothing_writes_nothing(add, tasks, frozen):
    task = add("Buy milk")
    with aws.metered() as meter:
        plan = plans.run(
            tasks, task.owner_id, task.id, lambda found: plans.change(tasks, found, {"title": "Buy milk"}, by="me")
        )

    assert plan.task.version == 1
    assert meter.operations == ["GetItem"]


def test_a_change_never_clears_what_it_does_not_name(add, tasks, frozen):
    task = add("Water", due_date=date(2030, 3, 14), recurrence=DAILY, tags=("home",), notes="n")
    plan = plans.run(
        tasks, task.owner_id, task.id, lambda found: plans.change(tasks, found, {"title": "Rain"}, by="me")
    )

    now = tasks.get(task.owner_id, task.id)
    assert now == plan.task
    assert replace(now, title="Water", version=1) == task


def test_a_new_due_date_begins_the_series_anew(add, run, tasks, frozen):
    task = add("Water", due_date=date(2030, 3, 14), recurrence=Recurrence("FREQ=WEEKLY"))
    plans.run(
        tasks,
        task.owner_id,
        task.id,
        lambda found: plans.change(tasks, found, {"due_date": date(2030, 3, 20)}, by="me"),
    )

    assert run(task, plans.complete).next_task.due_date == date(2030, 3, 27)


def test_the_version_a_caller_read_must_be_the_present_one(add, frozen):
    task = add()
    plans.hold_version(task, 1)
    plans.hold_version(task, None)
    with pytest.raises(StaleVersion):
        plans.hold_version(task, 2)


def test_writers_who_never_stop_are_answered_with_busy(add, run, frozen):
    task = add("Water")
    with failing("dynamodb", "TransactWriteItems", code="ThrottlingException"), pytest.raises(Busy):
        run(task, plans.complete)


def test_deleting_puts_into_the_trash_for_thirty_days(add, run, tasks, listing, counts, table, frozen):
    task = add("Water", tags=("home",), remind_at=(clock.now() + timedelta(hours=1),))

    run(task, plans.delete)

    with pytest.raises(NotFound):
        tasks.get(task.owner_id, task.id)
    assert [one.id for one in listing.trash(task.owner_id, 10, None)[0]] == [task.id]
    assert counts() == (0, 0)
    left = sorted(item["sk"]["S"] for item in everything_in(table) if item["sk"]["S"][0] in "XR")
    assert left == []
    frozen.advance(days=31)
    assert listing.trash(task.owner_id, 10, None)[0] == []


def test_restoring_brings_everything_back(add, run, tasks, counts, table, frozen):
    task = add("Water", tags=("home",), remind_at=(clock.now() + timedelta(hours=1),))
    run(task, plans.delete)

    plan = plans.run(
        tasks,
        task.owner_id,
        task.id,
        lambda found: plans.restore(found, by="me", list_id=plans.list_for(tasks, found)),
        in_trash=True,
    )

    assert replace(plan.task, version=1, updated_at=task.updated_at) == task
    assert counts() == (1, 0)
    assert sorted(item["sk"]["S"][0] for item in everything_in(table)) == ["L", "R", "T", "X"]


def test_bulk_partial_and_atomic(add, tasks, counts, frozen):
    one, two = add("one"), add("two")
    operations = [
        bulk.Operation(one.id, lambda found: plans.complete(found, by="me")),
        bulk.Operation(ids.new(), lambda found: plans.complete(found, by="me")),
        bulk.Operation(two.id, lambda found: plans.tagged(found, "home", by="me")),
    ]

    with pytest.raises(NotFound) as refused:
        bulk.together(tasks, one.owner_id, operations)
    assert refused.value.extra["operation"] == 1
    assert counts() == (2, 0)

    results = bulk.each(tasks, one.owner_id, operations)
    assert [result.problem.status if result.problem else 200 for result in results] == [200, 404, 200]
    assert counts() == (1, 1)


def test_an_atomic_bulk_is_one_transaction_and_counts_each_list_once(add, tasks, counts, frozen):
    made = [add(str(number)) for number in range(30)]
    operations = [bulk.Operation(one.id, lambda found: plans.complete(found, by="me")) for one in made]
    bulk.check(operations, atomic=True)

    with aws.metered() as meter:
        bulk.together(tasks, made[0].owner_id, operations)

    assert meter.operations == ["BatchGetItem", "TransactWriteItems"]
    assert counts() == (0, 30)


def test_a_bulk_that_names_a_task_twice_is_refused(frozen):
    one = bulk.Operation(ids.new(), lambda found: plans.complete(found, by="me"))
    with pytest.raises(InvalidRequest) as refused:
        bulk.check([one, one], atomic=False)
    assert refused.value.errors[0].pointer == "/operations/1/id"


def test_an_atomic_bulk_that_would_touch_one_task_twice_is_refused(add, run, tasks, frozen):
    task = add("Water", due_date=date(2030, 3, 14), recurrence=DAILY)
    following = run(task, plans.complete).next_task
    operations = [
        bulk.Operation(task.id, lambda found: plans.reopen(tasks, found, by="me")),
        bulk.Operation(following.id, lambda found: plans.delete(found, by="me")),
    ]

    with pytest.raises(InvalidRequest):
        bulk.together(tasks, task.owner_id, operations)


def test_contention_changes_no_result(add, add_list, run, tasks, listing, counts, frozen):
    other = add_list()
    with contention(0.3, seed=11) as met:
        made = [add(str(number), tags=("t",)) for number in range(12)]
        for one in made[:6]:
            run(one, plans.complete)
        for one in made[6:9]:
            plans.run(
                tasks, one.owner_id, one.id, lambda found: plans.move(tasks, listing, found, by="me", list_id=other.id)
            )
        for one in made[9:]:
            run(one, plans.delete)

    assert met[0] > 3
    assert counts() == (0, 6)
    assert counts(other.id) == (3, 0)


def test_what_each_verb_costs(add, run, tasks, frozen):
    def cost(do):
        with aws.metered() as meter:
            do()
        return meter.operations

    assert cost(lambda: add("one", tags=("a", "b"))) == ["TransactWriteItems"]
    task = add("Water", due_date=date(2030, 3, 14), recurrence=DAILY)
    assert cost(lambda: tasks.get(task.owner_id, task.id)) == ["GetItem"]
    assert cost(lambda: run(task, plans.complete)) == ["GetItem", "TransactWriteItems"]
    assert cost(lambda: run(task, plans.complete)) == ["GetItem"]


def test_a_page_costs_one_query_however_many_tasks_there_are(add, listing, owner, frozen):
    for number in range(60):
        add(str(number), due_date=date(2030, 3, 14), priority=1 + number % 4)
        frozen.advance(seconds=1)

    for given in (
        {"list_id": INBOX},
        {"sort": Sort.DUE},
        {"priority": 2},
        {"sort": Sort.CREATED, "status": Status.ALL},
    ):
        with aws.metered() as meter:
            listing.page(owner.owner_id, wanted(**given), 10, None)
        assert meter.operations == ["Query"], given
