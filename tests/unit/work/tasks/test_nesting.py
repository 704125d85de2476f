"""Tasks below tasks: three levels and no circle, whatever is moved, made, deleted and restored at the same time."""

import random
from datetime import date

import pytest

from functions.work.tasks.actions import bulk, plans
from functions.work.tasks.rules.task import MAX_DEPTH, Recurrence
from tessera.problems import InvalidRequest, Problem
from tests.kit.faults import meanwhile
from tests.kit.races import together
from tests.kit.stores import everything_in


@pytest.fixture
def put_below(tasks, owner):
    """`put_below(task, parent)`: as a PATCH of `parent_id` does it."""

    def do(task, parent):
        fields = {"parent_id": parent.id if parent else None}
        return plans.run(tasks, owner.owner_id, task.id, lambda found: plans.change(tasks, found, fields, by="me")).task

    return do


@pytest.fixture
def restore(tasks, run, owner):
    def do(task):
        def back(found):
            return plans.restore(found, by="me", list_id=plans.list_for(tasks, found))

        return plans.run(tasks, owner.owner_id, task.id, back, in_trash=True).task

    return do


@pytest.fixture
def depths(table):
    """How many levels each task is at, with what is in the trash; a circle is a level too many."""

    def read():
        rows = [item for item in everything_in(table) if item["sk"]["S"].startswith("T#") and "gone" not in item]
        parents = {row["sk"]["S"].removeprefix("T#"): row.get("parent_id", {}).get("S") for row in rows}
        found = []
        for task_id in parents:
            depth, at = 0, task_id
            while at is not None and depth <= MAX_DEPTH:
                depth, at = depth + 1, parents.get(at)
            found.append(depth)
        return sorted(found)

    return read


def test_a_task_is_not_put_below_what_would_come_back_below_it(add, run, put_below, restore, depths, frozen):
    a = add("a")
    b = add("b", parent_id=a.id)
    c = add("c", parent_id=b.id)
    run(b, plans.delete)

    with pytest.raises(InvalidRequest):
        put_below(a, c)
    restore(b)

    assert depths() == [1, 2, 3]


def test_what_is_in_the_trash_counts_as_a_level_since_it_may_come_back(add, run, put_below, restore, depths, frozen):
    a, y = add("a"), add("y")
    b, x = add("b", parent_id=a.id), add("x", parent_id=y.id)
    run(b, plans.delete)

    with pytest.raises(InvalidRequest):
        put_below(a, x)
    restore(b)

    assert depths() == [1, 1, 2, 2]


def test_a_task_in_the_trash_takes_nothing_below_it(add, run, frozen):
    top = add("top")
    run(top, plans.delete)

    with pytest.raises(InvalidRequest):
        add("child", parent_id=top.id)


def test_a_task_that_is_gone_for_good_is_no_level(add, run, tasks, put_below, depths, frozen):
    a, y = add("a"), add("y")
    b, x = add("b", parent_id=a.id), add("x", parent_id=y.id)
    run(b, plans.delete)
    frozen.advance(days=31)

    put_below(a, x)

    assert tasks.get(a.owner_id, a.id).parent_id == x.id


def test_a_task_gets_a_child_while_it_is_moved_and_does_not_nest_too_deeply(add, put_below, depths, frozen):
    y = add("y")
    x, a = add("x", parent_id=y.id), add("a")

    with meanwhile("TransactWriteItems", lambda: add("child", parent_id=a.id)), pytest.raises(InvalidRequest):
        put_below(a, x)

    assert depths() == [1, 1, 2, 2]


def test_a_task_gets_a_grandchild_while_it_is_moved_and_does_not_nest_too_deeply(add, put_below, depths, frozen):
    y, a = add("y"), add("a")
    b = add("b", parent_id=a.id)

    with meanwhile("TransactWriteItems", lambda: add("c", parent_id=b.id)), pytest.raises(InvalidRequest):
        put_below(a, y)

    assert depths() == [1, 1, 2, 3]


def test_a_task_is_moved_while_it_gets_a_grandchild_and_does_not_nest_too_deeply(add, put_below, depths, frozen):
    y, a = add("y"), add("a")
    b = add("b", parent_id=a.id)

    with meanwhile("TransactWriteItems", lambda: put_below(a, y)), pytest.raises(InvalidRequest):
        add("c", parent_id=b.id)

    assert depths() == [1, 2, 3]


def test_a_child_put_below_a_task_is_no_change_of_its_version(add, tasks, frozen):
    a = add("a")

    add("b", parent_id=a.id)

    assert tasks.get(a.owner_id, a.id).version == a.version


def test_reopening_keeps_a_next_one_that_something_was_put_below(add, run, tasks, frozen):
    task = add("Water", due_date=date(2030, 3, 14), recurrence=Recurrence("FREQ=DAILY"))
    following = run(task, plans.complete).next_task
    add("step", parent_id=following.id)

    plans.run(tasks, task.owner_id, task.id, lambda found: plans.reopen(tasks, found, by="me"))

    assert tasks.get(task.owner_id, following.id).id == following.id


def set_parent(tasks, task, parent):
    return bulk.Operation(task.id, lambda found: plans.change(tasks, found, {"parent_id": parent.id}, by="me"))


def test_an_atomic_bulk_puts_several_tasks_below_one(add, tasks, depths, frozen):
    parent, one, other = add("parent"), add("one"), add("other")

    bulk.together(tasks, parent.owner_id, [set_parent(tasks, one, parent), set_parent(tasks, other, parent)])

    assert depths() == [1, 2, 2]


def test_an_atomic_bulk_that_puts_two_below_each_other_is_refused(add, tasks, depths, frozen):
    one, other = add("one"), add("other")

    with pytest.raises(InvalidRequest):
        bulk.together(tasks, one.owner_id, [set_parent(tasks, one, other), set_parent(tasks, other, one)])

    assert depths() == [1, 1]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_moves_at_once_there_is_no_circle_and_no_fourth_level(
    add, run, put_below, restore, depths, seed, frozen
):
    dice = random.Random(seed)
    made = [add(str(number)) for number in range(6)]

    def anything():
        task, other = dice.sample(made, 2)
        verbs = [
            lambda: put_below(task, other),
            lambda: put_below(task, other),
            lambda: put_below(task, None),
            lambda: add("below", parent_id=other.id),
            lambda: run(task, plans.delete),
            lambda: restore(task),
        ]
        return dice.choice(verbs)

    def quietly(do):
        def tried():
            try:
                do()
            except Problem as problem:
                # Refusals are what keeps the tree in order; a fault is none.
                assert problem.status < 500, problem

        return tried

    for _ in range(6):
        results = together(*(quietly(anything()) for _ in range(5)))

        assert [result.error for result in results] == [None] * 5
        assert max(depths()) <= MAX_DEPTH
