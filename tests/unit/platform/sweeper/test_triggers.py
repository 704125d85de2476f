import json
from datetime import timedelta

import pytest

from functions.platform.sweeper import triggers
from tessera import aws, clock, ids
from tessera.auth import feed_entries
from tessera.due import DueRow, bucket, due_keys
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.triggers import dispatch
from tests.kit.faults import Crash, crash_at, failing
from tests.kit.queues import drain, make_queue
from tests.kit.stores import pour

SWEEP = {"schedule": "sweep"}


@pytest.fixture
def swept(table_of, frozen):
    marks, tasks, queue = table_of("Sweeper"), table_of("Tasks"), make_queue("tasks")
    environment = {
        "TABLE": marks.name,
        "AUTHFEED": table_of("Authfeed").name,
        "DUE_TABLES": f"{tasks.name}={queue}",
        "CAPABILITY": "sweeper",
    }
    return Bindings(environment), tasks, queue


def wait(table: Table, when) -> str:
    item_id = ids.new()
    row = DueRow(pk=f"T#{item_id}", sk="MAIN")
    row.wait_until(when, item_id)
    table.put(row)
    return row.pk


def sent(queue):
    return [json.loads(body)["data"]["pk"] for body in drain(queue)]


def test_what_is_due_is_sent_and_what_is_not_yet_due_waits(swept, frozen):
    bindings, tasks, queue = swept
    now = clock.now()
    due = [wait(tasks, now - timedelta(seconds=1)), wait(tasks, now), wait(tasks, now - timedelta(minutes=9))]
    wait(tasks, now + timedelta(seconds=1))

    dispatch(triggers.ENTRIES, SWEEP, bindings)

    assert sorted(sent(queue)) == sorted(due)


def test_an_item_waiting_since_the_last_sweep_is_sent_however_long_the_sweeper_stood_still(swept, frozen):
    bindings, tasks, queue = swept
    dispatch(triggers.ENTRIES, SWEEP, bindings)
    item = wait(tasks, clock.now() + timedelta(hours=3))
    frozen.advance(hours=20)

    dispatch(triggers.ENTRIES, SWEEP, bindings)

    assert sent(queue) == [item]


def test_a_writer_with_a_slow_clock_is_not_missed(swept, frozen):
    bindings, tasks, queue = swept
    dispatch(triggers.ENTRIES, SWEEP, bindings)
    item = wait(tasks, clock.now() - timedelta(seconds=90))
    frozen.advance(minutes=1)

    dispatch(triggers.ENTRIES, SWEEP, bindings)

    assert sent(queue) == [item]


def test_a_crash_after_sending_sends_again_and_loses_nothing(swept, frozen):
    bindings, tasks, queue = swept
    item = wait(tasks, clock.now() - timedelta(minutes=9))
    with crash_at("sweeper.sent"), pytest.raises(Crash):
        dispatch(triggers.ENTRIES, SWEEP, bindings)

    dispatch(triggers.ENTRIES, SWEEP, bindings)

    assert sent(queue) == [item, item]


def test_what_a_silent_queue_did_not_take_is_sent_by_the_next_sweep(swept, frozen):
    bindings, tasks, queue = swept
    item = wait(tasks, clock.now())
    with failing("sqs", "SendMessageBatch", code="InternalFailure"):
        dispatch(triggers.ENTRIES, SWEEP, bindings)

    dispatch(triggers.ENTRIES, SWEEP, bindings)

    assert sent(queue) == [item]


def test_a_table_that_fails_does_not_stop_the_others(swept, frozen):
    bindings, tasks, queue = swept
    absent = f"absent-{ids.new().lower()}=nowhere"
    both = Bindings({**bindings.environment, "DUE_TABLES": f"{absent} {bindings.environment['DUE_TABLES']}"})
    item = wait(tasks, clock.now())

    dispatch(triggers.ENTRIES, SWEEP, both)

    assert sent(queue) == [item]


def test_a_table_that_is_throttled_does_not_stop_the_others(swept, table_of):
    bindings, tasks, queue = swept
    throttled, nowhere = table_of("Tasks"), make_queue("nowhere")
    targets = f"{throttled.name}={nowhere} {bindings.environment['DUE_TABLES']}"
    item = wait(tasks, clock.now())

    def throttle(service, operation, parameters):
        if operation == "Query" and parameters["TableName"] == throttled.name:
            raise aws.ClientError({"Error": {"Code": "ThrottlingException", "Message": "Slower."}}, operation)

    with aws.intercepted(throttle):
        dispatch(triggers.ENTRIES, SWEEP, Bindings({**bindings.environment, "DUE_TABLES": targets}))

    assert sent(queue) == [item]


def test_a_new_table_that_cannot_be_swept_for_hours_loses_nothing(swept, frozen):
    bindings, tasks, queue = swept
    with failing("dynamodb", "Query", code="AccessDeniedException"):
        dispatch(triggers.ENTRIES, SWEEP, bindings)
        item = wait(tasks, clock.now() + timedelta(minutes=1))
        frozen.advance(hours=3)
        dispatch(triggers.ENTRIES, SWEEP, bindings)

    dispatch(triggers.ENTRIES, SWEEP, bindings)

    assert sent(queue) == [item]


def test_nothing_is_lost_after_a_clock_that_went_back(swept, frozen):
    bindings, tasks, queue = swept
    dispatch(triggers.ENTRIES, SWEEP, bindings)
    frozen.advance(hours=-3)
    item = wait(tasks, clock.now() + timedelta(minutes=1))
    frozen.advance(minutes=1)

    dispatch(triggers.ENTRIES, SWEEP, bindings)

    assert sent(queue) == [item]


def test_the_first_sweep_of_a_new_stack_costs_little(swept, frozen):
    bindings, _, _ = swept

    with aws.metered() as meter:
        dispatch(triggers.ENTRIES, SWEEP, bindings)

    assert len(meter.operations) <= 60


def test_more_than_a_page_due_at_once_is_sent_whole(swept, frozen):
    bindings, tasks, _ = swept
    dispatch(triggers.ENTRIES, SWEEP, bindings)
    waiting = [f"T#{number:04}" for number in range(1_100)]
    pour(tasks, map(in_one_shard, waiting))
    heard = []

    # Read off the calls, because receiving from a queue of a thousand takes moto minutes.
    def listen(service, operation, parameters):
        if operation == "SendMessageBatch":
            heard.extend(json.loads(entry["MessageBody"])["data"]["pk"] for entry in parameters["Entries"])

    with aws.intercepted(listen):
        dispatch(triggers.ENTRIES, SWEEP, bindings)

    assert heard == waiting


def in_one_shard(pk):
    keys = {"pk": pk, "sk": "MAIN", "due_pk": bucket(clock.now(), 0), "due_sk": f"{clock.rfc3339(clock.now())}#{pk}"}
    return {"version": {"N": "1"}, **{name: {"S": value} for name, value in keys.items()}}


def test_the_shards_share_the_load():
    when = clock.now()
    counts = {}
    for number in range(4000):
        due_pk, _ = due_keys(when, f"item-{number}")
        counts[due_pk[-1]] = counts.get(due_pk[-1], 0) + 1

    assert counts.keys() == set("0123")
    assert min(counts.values()) > 850


def test_a_feed_grown_long_is_packed_every_minute_and_one_that_fails_stops_nothing(swept, monkeypatch):
    bindings, tasks, queue = swept
    monkeypatch.setattr(feed_entries, "PACKED_ABOVE", 0)
    feed = Table(bindings.environment["AUTHFEED"])
    feed.put(feed_entries.FeedRow(pk="REV", sk=f"{clock.millis():013d}#1", k="s", id="one", ttl=clock.millis()))

    dispatch(triggers.ENTRIES, SWEEP, bindings)

    assert feed.get(feed_entries.HeadRow, *feed_entries.HEAD).parts == 1
    due = wait(tasks, clock.now() - timedelta(seconds=1))
    dispatch(triggers.ENTRIES, SWEEP, Bindings({**bindings.environment, "AUTHFEED": "no-such-table"}))
    assert sent(queue) == [due]
