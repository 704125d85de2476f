import json
from typing import ClassVar

import pytest
from pydantic import BaseModel

from tessera import aws, queues
from tessera.bus import Event
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.tables import Row
from tessera.transact import AlreadySeen, putting, seen, transact
from tessera.triggers import Entries, On, Together, dispatch
from tests.kit.faults import Crash, crash_at
from tests.kit.queues import drain, make_queue
from tests.kit.stores import everything_in


class NoteWritten(Event):
    type: ClassVar[str] = "tasks.note.written.v1"

    number: int


class Read(BaseModel):
    number: int


BINDINGS = Bindings({"CAPABILITY": "tasks"})


def delivered(*bodies):
    records = [
        {"messageId": str(number), "eventSource": "aws:sqs", "body": body, "attributes": {}}
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}


def from_bus(envelope):
    return json.dumps({"detail-type": envelope.type, "source": "tessera.tasks", "detail": json.loads(envelope.text())})


def failed(answer):
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_an_event_reaches_its_consumer_with_the_part_it_reads():
    got = []
    entries = Entries(events=(On(NoteWritten.type, Read, lambda data, received, bindings: got.append(data)),))

    answer = dispatch(entries, delivered(from_bus(Envelope.of(NoteWritten(number=3)))), BINDINGS)

    assert got == [Read(number=3)]
    assert failed(answer) == []


@pytest.mark.parametrize("first", [None, ValueError("broken"), AlreadySeen()], ids=["done", "failed", "seen before"])
def test_an_event_reaches_everyone_who_reads_it_whatever_the_first_of_them_makes_of_it(first):
    got = []

    def stumble(data, received, bindings):
        if first is not None:
            raise first

    entries = Entries(
        events=(
            On(NoteWritten.type, Read, stumble),
            On(NoteWritten.type, Read, lambda data, received, bindings: got.append(data)),
        )
    )

    answer = dispatch(entries, delivered(from_bus(Envelope.of(NoteWritten(number=3)))), BINDINGS)

    assert got == [Read(number=3)]
    assert failed(answer) == (["0"] if isinstance(first, ValueError) else [])


def test_the_trace_of_an_event_goes_on_in_its_consumer():
    from tessera import log

    traces = []
    entries = Entries(events=(On(NoteWritten.type, Read, lambda *_: traces.append(log.current().trace_id)),))
    with log.scope("tasks") as here:
        body = from_bus(Envelope.of(NoteWritten(number=3)))

    dispatch(entries, delivered(body), BINDINGS)

    assert traces == [here.trace_id]


def test_only_the_record_that_fails_comes_back():
    def refuse_two(data, received, bindings):
        if data.number == 2:
            raise RuntimeError("two")

    entries = Entries(jobs=(On("count", Read, refuse_two),))
    bodies = [queues.message("count", {"number": number}) for number in (1, 2, 3)]

    assert failed(dispatch(entries, delivered(*bodies), BINDINGS)) == ["1"]


@pytest.mark.parametrize(
    "body", ["not json", "[]", "{}", '{"kind": "unknown"}', '{"kind": "count", "data": {"number": "many"}}']
)
def test_a_poisoned_message_comes_back_until_it_is_dead(body):
    entries = Entries(jobs=(On("count", Read, lambda *_: None),))

    assert failed(dispatch(entries, delivered(body), BINDINGS)) == ["0"]


def applying(table):
    """A consumer that counts an event once, with the effect and the mark in one transaction."""

    def apply(data, received, bindings):
        transact(seen(table, received.id), putting(table, Row(pk="EFFECT", sk=received.id)))

    return Entries(events=(On(NoteWritten.type, Read, apply),))


def test_an_event_delivered_again_is_done_with_and_applied_once(table_of):
    table = table_of("Tasks")
    body = from_bus(Envelope.of(NoteWritten(number=1)))

    answers = [dispatch(applying(table), delivered(body, body), BINDINGS) for _ in range(3)]

    assert [failed(answer) for answer in answers] == [[], [], []]
    assert sum(item["pk"]["S"] == "EFFECT" for item in everything_in(table)) == 1


def test_events_in_another_order_are_each_applied_once(table_of):
    table = table_of("Tasks")
    bodies = [from_bus(Envelope.of(NoteWritten(number=number))) for number in range(4)]

    dispatch(applying(table), delivered(*reversed(bodies)), BINDINGS)
    dispatch(applying(table), delivered(*bodies), BINDINGS)

    assert sum(item["pk"]["S"] == "EFFECT" for item in everything_in(table)) == 4


def test_dead_letters_get_another_try_and_none_is_lost_by_a_crash():
    dead, queue = make_queue("dead"), make_queue("work")
    queues.send_bodies(dead, [f"letter {number}" for number in range(12)])

    with crash_at("redrive.sent"), pytest.raises(Crash):
        queues.redrive(dead, queue)
    # The ten that were in hand come back when their visibility ends; the one that was sent, twice then.
    assert queues.redrive(dead, queue) == 2
    assert len(drain(queue)) == 3
    attributes = aws.client("sqs").get_queue_attributes(QueueUrl=dead, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "10"


def told(number, kind="count"):
    return json.dumps({"kind": kind, "data": {"number": number}})


def test_messages_of_one_kind_are_worked_at_once_and_the_others_one_by_one():
    seen, alone = [], []

    def do(messages, bindings):
        seen.append({name: one.number for name, one in messages.items()})
        return []

    entries = Entries(
        jobs=[On("other", Read, lambda read, received, bindings: alone.append(read.number))],
        together=Together("count", Read, do),
    )

    answer = dispatch(entries, delivered(told(1), told(7, "other"), told(2)), BINDINGS)

    assert answer == {"batchItemFailures": []}
    assert (seen, alone) == ([{"0": 1, "2": 2}], [7])


def test_those_that_the_work_names_come_again():
    entries = Entries(together=Together("count", Read, lambda messages, bindings: ["1"]))

    answer = dispatch(entries, delivered(told(1), told(2), "{", told("x")), BINDINGS)

    assert sorted(one["itemIdentifier"] for one in answer["batchItemFailures"]) == ["1", "2", "3"]


def test_work_that_breaks_off_gets_all_of_its_messages_again():
    def breaks(messages, bindings):
        raise RuntimeError("on order")

    entries = Entries(
        jobs=[On("other", Read, lambda read, received, bindings: None)], together=Together("count", Read, breaks)
    )

    answer = dispatch(entries, delivered(told(1), told(7, "other"), told(2)), BINDINGS)

    assert [one["itemIdentifier"] for one in answer["batchItemFailures"]] == ["0", "2"]
