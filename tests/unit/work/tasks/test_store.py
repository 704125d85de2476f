"""What each condition of the store is for: somebody else was faster, between a read and the write that follows it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pynamodb.expressions.operand import Path

from functions.work.tasks.actions import plans
from functions.work.tasks.events import TaskOverdue
from functions.work.tasks.rules.task import ListClosing
from functions.work.tasks.rules.todo import MAX_TODOS, NamespaceFull, Todo
from functions.work.tasks.store.rows import CountRow, NamespaceRow, TodoRow, owned, task_key
from functions.work.tasks.store.search import _shelf as search_shelf
from functions.work.tasks.store.tasks import Changed, Write
from functions.work.tasks.store.todos import _shelf as todo_shelf
from tessera import clock, ids
from tessera.due import DueItem
from tessera.problems import Busy, NotFound
from tessera.tables import Row
from tessera.transact import transact
from tests.kit.faults import Crash, meanwhile


def crash() -> None:
    raise Crash("on order")


def count_of(table, owner, word):
    row = table.get(CountRow, search_shelf(owner.owner_id, word), f"!{word}")
    return int(row.count) if row else None


def test_a_word_that_was_noted_before_a_crash_is_counted_once(table, search, add, owner):
    task = add("Sail")
    with pytest.raises(Crash), meanwhile("UpdateItem", crash, key=f"P#{task.id}"):
        search.derive(owner.owner_id, task.id, task)

    search.derive(owner.owner_id, task.id, task)

    assert count_of(table, owner, "sail") == 1


def test_a_word_that_comes_back_while_its_count_is_removed_keeps_its_count(table, search, add, owner):
    first, second = add("Sail"), add("Sail home")
    search.derive(owner.owner_id, first.id, first)

    with meanwhile("DeleteItem", lambda: search.derive(owner.owner_id, second.id, second), key="!sail"):
        search.derive(owner.owner_id, first.id, replace(first, title="Row"))

    assert count_of(table, owner, "sail") == 1


@pytest.mark.parametrize("fate", ["trashed", "gone"])
def test_nothing_is_put_below_a_task_that_went_meanwhile(tasks, table, add, fate):
    parent = add("Trip")
    change = {"deleted_at": clock.rfc3339(clock.now())} if fate == "trashed" else {"gone": 1}
    table.update(Row, owned(parent.owner_id), task_key(parent.id), *(Path(name).set(v) for name, v in change.items()))

    with pytest.raises(Changed):
        transact(*tasks.putting_below([parent]))


def due_item(table, task):
    row = table.get(Row, owned(task.owner_id), task_key(task.id))
    raw = table._call("get_item", Key={"pk": {"S": row.pk}, "sk": {"S": row.sk}})["Item"]
    return DueItem(pk=row.pk, sk=row.sk, due_pk=raw["due_pk"]["S"], due_sk=raw["due_sk"]["S"])


@pytest.mark.parametrize("moved", [{"due_pk": "DUE#209901010000#0"}, {"due_sk": "2099-01-01T00:00:00Z#x"}])
def test_what_was_found_due_is_left_alone_when_it_has_moved_since(tasks, table, add, moved):
    task = add(due_at=clock.now() + timedelta(hours=1), tz="Europe/Berlin")
    event = TaskOverdue(
        task_id=task.id, owner_id=task.owner_id, list_id=task.list_id, version=1, user_id="x", due=clock.now()
    )
    seen = replace(due_item(table, task), **moved)

    assert not tasks.mark_overdue(seen, clock.now(), event)
    assert tasks.mark_overdue(due_item(table, task), clock.now(), event)


def test_a_new_task_never_takes_the_place_of_another(tasks, add):
    task = add("Mine")
    other = replace(task, title="Not mine", tags=("home",))

    with pytest.raises(Changed):
        tasks.commit(Write(None, other))

    assert tasks.get(task.owner_id, task.id).title == "Mine"


def test_a_deleted_list_is_not_changed_back_into_one(tasks, add_list, owner):
    made = add_list()
    tasks.delete_list(made)

    with pytest.raises(NotFound):
        tasks.change_list(owner.owner_id, made.id, {"name": "Back again"}, None)


def test_a_list_is_closed_by_one_job_and_never_after_it_is_gone(tasks, add_list, owner):
    made, gone = add_list(), add_list("Gone")
    transact(tasks.close_list(made, "first"))
    tasks.delete_list(gone)

    for one in (made, gone):
        with pytest.raises(ListClosing):
            transact(tasks.close_list(one, "second"))

    assert tasks.get_list(owner.owner_id, made.id).closing == "first"


def test_a_list_is_opened_again_only_by_the_job_that_closed_it(tasks, add_list, owner):
    made = add_list()
    transact(tasks.close_list(made, "first"))

    tasks.reopen_list(made, "second")

    assert tasks.get_list(owner.owner_id, made.id).closing == "first"


@pytest.mark.parametrize("state", ["open", "done"])
def test_a_list_that_got_a_task_meanwhile_is_not_deleted(tasks, add, add_list, owner, run, state):
    made = add_list()

    def fill() -> None:
        task = add(list_id=made.id)
        if state == "done":
            run(task, plans.complete)

    with meanwhile("PutItem", fill, key=made.id):
        assert not tasks.delete_list(made)

    assert tasks.get_list(owner.owner_id, made.id).id == made.id


def test_a_list_that_was_renamed_meanwhile_is_not_deleted(tasks, add_list, owner):
    made = add_list()
    tasks.change_list(owner.owner_id, made.id, {"name": "Garden"}, None)

    assert not tasks.delete_list(made)


def todo(title="Milk", order=None):
    return Todo(ids.new(), title, False, order)


def test_a_todo_removed_twice_is_counted_once(todos, table):
    kept, lost = todo("kept"), todo("lost")
    todos.add("team", kept)
    todos.add("team", lost)

    with pytest.raises(NotFound), meanwhile("TransactWriteItems", lambda: todos.remove("team", lost.id)):
        todos.remove("team", lost.id)

    assert todos._space("team").cnt == 1


def test_a_todo_of_a_namespace_that_was_emptied_is_not_taken_off_the_new_count(todos, table):
    lost = todo()
    todos.add("team", lost)

    with pytest.raises(NotFound), meanwhile("TransactWriteItems", lambda: todos.clear("team")):
        todos.remove("team", lost.id)

    assert todos._space("team").cnt == 0


def test_two_first_todos_of_a_namespace_are_both_counted(todos):
    with meanwhile("TransactWriteItems", lambda: todos.add("team", todo("first"))):
        todos.add("team", todo("second"))

    assert todos._space("team").cnt == len(todos.all("team")) == 2


def test_a_namespace_never_holds_more_than_its_limit(todos, table):
    todos.add("team", todo())
    table.put(NamespaceRow(pk=todos._space("team").pk, sk="META", gen=0, cnt=MAX_TODOS - 1))

    def last() -> None:
        todos.add("team", todo("the last place"))

    with meanwhile("TransactWriteItems", last):
        todos.add("team", todo("after a recount"))

    # The count said full, and a recount found two places taken: both stand, and the count is true again.
    assert todos._space("team").cnt == len(todos.all("team")) == 3


@pytest.mark.parametrize("other", ["emptied", "counted"])
def test_a_recount_gives_way_to_who_changed_the_namespace_meanwhile(todos, table, other):
    todos.add("team", todo())
    table.put(NamespaceRow(pk=todos._space("team").pk, sk="META", gen=0, cnt=MAX_TODOS))

    def change() -> None:
        gen, cnt = (1, MAX_TODOS) if other == "emptied" else (0, MAX_TODOS - 5)
        table.put(NamespaceRow(pk=todos._space("team").pk, sk="META", gen=gen, cnt=cnt))

    seen = todos._space("team")
    change()
    before = todos._space("team").cnt

    todos._recount("team", seen)

    assert todos._space("team").cnt == before


def test_a_namespace_that_is_really_full_says_so(todos, table):
    todos.add("team", todo())
    space = todos._space("team")
    table.put(NamespaceRow(pk=space.pk, sk="META", gen=0, cnt=MAX_TODOS))
    for number in range(MAX_TODOS):
        table.put(TodoRow(pk=todo_shelf("team", 0), sk=ids.new(), title=str(number)))

    with pytest.raises(NamespaceFull):
        todos.add("team", todo())


@pytest.mark.parametrize("is_known", [False, True])
def test_of_two_deliveries_at_once_one_counts_the_tags_and_the_other_comes_again(search, listing, add, owner, is_known):
    task = add("Sail", tags=["old"])
    if is_known:
        search.derive(owner.owner_id, task.id, task)
    tagged = replace(task, tags=("sea",))

    def derive() -> None:
        search.derive(owner.owner_id, task.id, tagged)

    with meanwhile("TransactWriteItems", derive), pytest.raises(Busy):
        derive()

    derive()
    assert [(name, count) for name, count in listing.tags(owner.owner_id, 10, None)[0] if count] == [("sea", 1)]


def test_a_todo_that_comes_while_all_are_deleted_is_there_and_counted(todos, table):
    todos.add("mine", Todo(ids.new(), "Before"))

    with meanwhile("TransactWriteItems", lambda: todos.clear("mine")):
        late = todos.add("mine", Todo(ids.new(), "After"))

    assert [todo.id for todo in todos.all("mine")] == [late.id]
    assert int(table.get(NamespaceRow, "N#mine", "META").cnt) == 1
