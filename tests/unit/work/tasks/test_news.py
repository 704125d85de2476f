"""What people are told live of their tasks: each change once, and nobody else's."""

import json
from datetime import timedelta

import pytest

from functions.work.tasks.actions import plans
from functions.work.tasks.triggers import ENTRIES
from tessera import clock, ids
from tessera.auth.principal import Principal
from tessera.live import user_topic
from tessera.seqlog import SeqLog
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.triggers import dispatch
from tests.kit.faults import Crash, crash_at
from tests.kit.queues import batch
from tests.kit.races import together
from tests.kit.worlds import carried


@pytest.fixture
def heard(bindings):
    """`heard(user_id)`: what stands in the log of this person's topic."""
    log = SeqLog(Table(bindings.environment["REALTIME"]))

    def read(user_id):
        return [json.loads(entry.data) for entry in log.read(user_topic(user_id), after=0, limit=100)]

    return read


def test_every_change_of_a_task_is_told_its_owner_once(add, run, deliveries, heard, owner, frozen):
    task = add("Water")
    deliveries.follow()
    frozen.advance(seconds=1)
    run(task, lambda found, by: plans.tagged(found, "home", by=by))
    deliveries.follow()
    frozen.advance(seconds=1)
    run(task, plans.complete)
    deliveries.follow()
    frozen.advance(seconds=1)
    run(task, plans.delete)
    deliveries.follow()
    deliveries.follow()

    about = {"task_id": task.id, "list_id": task.list_id}
    assert heard(owner.id) == [
        {"kind": "tasks.created", **about, "version": 1},
        {"kind": "tasks.updated", **about, "version": 2, "changed": ["tags"]},
        {"kind": "tasks.completed", **about, "version": 3},
        {"kind": "tasks.deleted", **about, "version": 4},
    ]


def test_overdue_is_told_too(add, deliveries, heard, owner, waiting, frozen):
    add("Water", due_at=clock.now() + timedelta(minutes=5), tz="UTC")
    frozen.advance(minutes=6)
    deliveries.deliver(waiting())

    deliveries.follow()

    assert [said["kind"] for said in heard(owner.id)] == ["tasks.overdue"]


def test_an_event_that_two_consumers_hold_is_told_once(add, deliveries, heard, owner, bindings):
    add("Water")
    (event,) = deliveries.events()
    message = batch(json.dumps(carried(event)))

    together(lambda: dispatch(ENTRIES, message, bindings), times=4)

    assert len(heard(owner.id)) == 1


def test_a_consumer_that_dies_has_told_it_once_when_another_goes_on(add, deliveries, heard, owner):
    add("Water")

    with pytest.raises(Crash), crash_at("live.appended"):
        deliveries.follow()
    deliveries.follow()

    assert [said["kind"] for said in heard(owner.id)] == ["tasks.created"]


def test_an_organisations_tasks_are_told_nobody(add, deliveries, heard):
    member = Principal(kind="user", id=ids.new(), user_id=ids.new(), org=ids.new())
    add("Water", by=member)

    deliveries.follow()

    assert heard(member.owner_id) == heard(member.user_id) == []


def test_where_there_is_no_hub_nothing_is_told(add, deliveries, bindings):
    add("Water")
    (event,) = deliveries.events()
    without = Bindings({name: value for name, value in bindings.environment.items() if name != "REALTIME"})

    assert dispatch(ENTRIES, batch(json.dumps(carried(event))), without) == {"batchItemFailures": []}
