"""Overdue, reminders, deliveries twice and out of order, and the job that empties a list."""

import json
from datetime import date, timedelta

import pytest

from functions.work.tasks.actions import lists, plans
from functions.work.tasks.rules.task import INBOX, ListClosing, Recurrence
from functions.work.tasks.store.rows import TaskRow
from functions.work.tasks.store.tasks import Changed
from tessera import clock
from tessera.due import DueRow
from tessera.jobs import Jobs, JobState
from tests.kit.stores import everything_in


def test_a_task_becomes_overdue_once(add, tasks, deliveries, waiting, frozen):
    task = add("Water", due_at=clock.now() + timedelta(minutes=5), tz="UTC")
    assert waiting() == []
    frozen.advance(minutes=6)
    due = waiting()

    assert deliveries.deliver(due) == []
    told = [event for event in deliveries.events() if event.type == "tasks.task.overdue.v1"]
    assert [event.data["task_id"] for event in told] == [task.id]
    assert deliveries.deliver(due) == []
    assert [event.id for event in deliveries.events() if event.type == "tasks.task.overdue.v1"] == [told[0].id]
    assert waiting() == []
    assert tasks.get(task.owner_id, task.id).version == 1


def test_what_is_overdue_already_waits_in_a_minute_that_the_sweeper_still_reads(add, table, frozen):
    task = add("Water", due_date=date(2030, 3, 1))
    row = table.get(DueRow, f"U#{task.owner_id}", f"T#{task.id}")
    assert row.due_sk.startswith(clock.rfc3339(clock.now()))


def test_a_change_at_the_moment_of_overdue_is_not_told_again(add, tasks, deliveries, waiting, frozen, table):
    task = add("Water", due_at=clock.now() + timedelta(minutes=5), tz="UTC")
    frozen.advance(minutes=6)
    stale = tasks.get(task.owner_id, task.id)
    deliveries.deliver(waiting())

    first = plans.change(tasks, stale, {"title": "Rain"}, by="me")
    with pytest.raises(Changed):
        tasks.commit(*first.writes)
    plans.run(tasks, task.owner_id, task.id, lambda found: plans.change(tasks, found, {"title": "Rain"}, by="me"))

    assert waiting() == []
    assert tasks.get(task.owner_id, task.id).overdue_notified_for is not None


def test_a_new_due_time_is_told_anew(add, tasks, deliveries, waiting, frozen):
    task = add("Water", due_at=clock.now() + timedelta(minutes=5), tz="UTC")
    frozen.advance(minutes=6)
    deliveries.deliver(waiting())
    later = clock.now() + timedelta(minutes=5)
    plans.run(tasks, task.owner_id, task.id, lambda found: plans.change(tasks, found, {"due_at": later}, by="me"))
    frozen.advance(minutes=6)

    assert len(waiting()) == 1


def test_a_done_task_is_never_overdue(add, run, waiting, frozen):
    run(add("Water", due_at=clock.now() + timedelta(minutes=5), tz="UTC"), plans.complete)
    frozen.advance(minutes=6)
    assert waiting() == []


def test_reminders_fire_each_once(add, deliveries, waiting, frozen):
    now = clock.now()
    task = add("Water", remind_at=(now + timedelta(minutes=1), now + timedelta(minutes=2), now - timedelta(minutes=1)))
    frozen.advance(minutes=3)
    due = waiting()
    assert len(due) == 2

    deliveries.deliver(due)
    deliveries.deliver(due)

    told = [event.data for event in deliveries.events() if event.type == "tasks.reminder.due.v1"]
    assert sorted(one["remind_at"] for one in told) == [clock.rfc3339(when) for when in sorted(task.remind_at[:2])]
    assert {one["title"] for one in told} == {"Water"}
    assert {one["user_id"] for one in told} == {task.created_by}


@pytest.mark.parametrize("verb", [plans.complete, plans.delete])
def test_a_reminder_on_its_way_says_nothing_of_a_task_that_is_done_or_deleted(
    add, run, deliveries, waiting, frozen, verb
):
    task = add("Water", remind_at=(clock.now() + timedelta(minutes=1),))
    frozen.advance(minutes=2)
    due = waiting()
    run(task, verb)

    assert deliveries.deliver(due) == []
    assert "tasks.reminder.due.v1" not in deliveries.types()


def test_the_next_occurrence_brings_its_reminders(add, run, waiting, frozen):
    task = add(
        "Water",
        due_at=clock.now() + timedelta(hours=2),
        tz="UTC",
        recurrence=Recurrence("FREQ=DAILY"),
        remind_at=(clock.now() + timedelta(hours=1),),
    )
    run(task, plans.complete)
    frozen.advance(hours=23)
    assert waiting() == []
    frozen.advance(hours=2)
    assert len(waiting()) == 1


def test_events_tell_of_each_verb(add, run, tasks, deliveries, frozen):
    task = add("Water", due_date=date(2030, 3, 14), recurrence=Recurrence("FREQ=DAILY"))
    assert deliveries.types() == ["tasks.task.created.v1"]
    following = run(task, plans.complete).next_task
    events = {event.data["task_id"]: event for event in deliveries.events()}
    assert events[task.id].type == "tasks.task.completed.v1"
    assert events[task.id].data["next_task_id"] == following.id
    assert events[following.id].type == "tasks.task.created.v1"
    plans.run(tasks, task.owner_id, task.id, lambda found: plans.reopen(tasks, found, by="me"))
    assert sorted(deliveries.types()) == ["tasks.task.deleted.v1", "tasks.task.updated.v1"]


def test_deliveries_out_of_order_leave_what_is_true_now(add, run, tasks, deliveries, table, frozen):
    task = add("Buy milk")
    created = deliveries.events()
    plans.run(tasks, task.owner_id, task.id, lambda found: plans.change(tasks, found, {"title": "Rye"}, by="me"))
    updated = deliveries.events()
    bodies = [
        json.dumps({"detail-type": event.type, "detail": json.loads(event.text())}) for event in (*updated, *created)
    ]

    deliveries.deliver(bodies)

    postings = [item["sk"]["S"] for item in everything_in(table) if item["pk"]["S"].startswith("K#")]
    assert sorted(postings) == ["!rye", f"rye#{task.id}"]


@pytest.mark.parametrize(
    "body", ["not json", "{}", '{"kind": "nobody"}', '{"detail-type": "other.thing.done.v1", "detail": {}}']
)
def test_a_message_that_nobody_understands_goes_back_alone(add, deliveries, body, frozen):
    add("Buy milk")
    event = deliveries.events()[0]
    good = json.dumps({"detail-type": event.type, "detail": json.loads(event.text())})

    assert deliveries.deliver([good, body, good]) == [body]


@pytest.fixture
def jobs(table):
    return Jobs(table)


@pytest.fixture
def empty(tasks, jobs, deliveries, owner):
    """`empty(list, "delete")`: what the route does."""

    def do(found, contents):
        now = tasks.get_list(owner.owner_id, found.id)
        return lists.delete(tasks, jobs, deliveries.queue, now, contents=contents, by=owner)

    return do


def test_a_list_is_deleted_with_what_is_in_it(
    add, add_list, run, empty, jobs, tasks, listing, deliveries, owner, frozen
):
    doomed = add_list()
    for number in range(7):
        add(str(number), list_id=doomed.id, tags=("t",))
    run(add("done", list_id=doomed.id), plans.complete)
    keep = add("keep")

    job = empty(doomed, "delete")
    assert (job.state, job.total) == (JobState.QUEUED, 8)
    deliveries.jobs()

    ended = jobs.get(owner.owner_id, job.id)
    assert (ended.state, ended.done) == (JobState.DONE, 8)
    assert [one.id for one in tasks.lists(owner.owner_id)] == [INBOX]
    assert len(listing.trash(owner.owner_id, 50, None)[0]) == 8
    assert tasks.get(owner.owner_id, keep.id).deleted_at is None


def test_a_list_is_deleted_after_its_tasks_moved(add, add_list, empty, tasks, listing, deliveries, owner, frozen):
    doomed, target = add_list(), add_list("Other")
    for number in range(3):
        add(str(number), list_id=doomed.id)
        frozen.advance(seconds=1)

    empty(doomed, f"move:{target.id}")
    deliveries.jobs()

    moved = listing.in_list(owner.owner_id, target.id, 10)
    assert sorted(task.title for task in moved) == ["0", "1", "2"]
    assert tasks.get_list(owner.owner_id, target.id).open_count == 3


def test_a_closing_list_takes_no_more_tasks(add, add_list, empty, frozen):
    doomed = add_list()
    add("one", list_id=doomed.id)
    empty(doomed, "delete")

    with pytest.raises(ListClosing):
        add("two", list_id=doomed.id)


def test_asking_again_sends_the_same_job_again(add, add_list, empty, deliveries, jobs, owner, frozen):
    doomed = add_list()
    add("one", list_id=doomed.id)
    first, second = empty(doomed, "delete"), empty(doomed, "delete")

    assert first.id == second.id
    assert deliveries.jobs() == 2
    assert jobs.get(owner.owner_id, first.id).state is JobState.DONE


def test_a_cancelled_job_leaves_the_rest_and_opens_the_list_again(
    add, add_list, empty, deliveries, jobs, tasks, owner, monkeypatch, frozen
):
    monkeypatch.setattr(lists, "AT_ONCE", 2)
    monkeypatch.setattr(lists, "BATCH", 2)
    doomed = add_list()
    for number in range(5):
        add(str(number), list_id=doomed.id)
    job = empty(doomed, "delete")
    jobs.progress(job, 0)
    jobs.cancel(owner.owner_id, job.id)

    deliveries.jobs()

    left = tasks.get_list(owner.owner_id, doomed.id)
    assert left.open_count == 5
    add("again", list_id=doomed.id)


def test_a_job_whose_target_vanishes_fails_and_says_why(add, add_list, empty, deliveries, jobs, tasks, owner, frozen):
    doomed, target = add_list(), add_list("Other")
    add("one", list_id=doomed.id)
    job = empty(doomed, f"move:{target.id}")
    assert tasks.delete_list(target)

    deliveries.jobs()

    ended = jobs.get(owner.owner_id, job.id)
    assert ended.state is JobState.FAILED
    assert ended.problem["errors"][0]["pointer"] == "/list_id"
    add("again", list_id=doomed.id)


def test_a_job_in_several_messages_gets_through(add, add_list, empty, deliveries, jobs, owner, monkeypatch, frozen):
    monkeypatch.setattr(lists, "AT_ONCE", 2)
    monkeypatch.setattr(lists, "BATCH", 2)
    doomed = add_list()
    for number in range(7):
        add(str(number), list_id=doomed.id)
    job = empty(doomed, "delete")

    assert deliveries.jobs() == 4
    assert jobs.get(owner.owner_id, job.id).state is JobState.DONE


def test_the_table_holds_no_index_key_of_what_is_in_the_trash(add, run, table, frozen):
    task = add("Water", due_date=date(2030, 3, 20))
    run(task, plans.delete)
    row = table.get(TaskRow, f"U#{task.owner_id}", f"T#{task.id}")

    assert (row.gs2_pk, row.gs3_pk, row.due_pk) == (None, None, None)
    assert row.ttl == int((clock.now() + timedelta(days=30)).timestamp())
