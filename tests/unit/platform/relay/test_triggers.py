import json
from typing import ClassVar

import pytest
from pynamodb.attributes import UnicodeAttribute

from functions.platform.relay import triggers
from tessera import aws, queues
from tessera.bus import Event
from tessera.outbox import Envelope, attributes
from tessera.settings import Bindings
from tessera.tables import Row
from tessera.triggers import dispatch
from tests.kit.faults import Crash, crash_at, failing
from tests.kit.queues import drain, make_queue


class NoteRow(Row):
    text = UnicodeAttribute()


class NoteWritten(Event):
    type: ClassVar[str] = "tasks.note.written.v1"

    number: int = 1


class LongNoteWritten(Event):
    type: ClassVar[str] = "tasks.note.written.v1"

    text: str


class Forged(Event):
    type: ClassVar[str] = "accounts.user.locked.v1"


class Audited(Event):
    type: ClassVar[str] = "audit.entry.recorded.v1"


@pytest.fixture
def wiring():
    """A bus whose every event lands in the queue `heard`, and relay's own two queues."""
    bus = f"bus-{make_queue('name').rsplit('-', 1)[-1]}"
    heard = make_queue("heard")
    events = aws.client("events")
    events.create_event_bus(Name=bus)
    events.put_rule(Name="all", EventBusName=bus, EventPattern=json.dumps({"source": [{"prefix": "tessera."}]}))
    arn = aws.client("sqs").get_queue_attributes(QueueUrl=heard, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "heard", "Arn": arn}])
    retry, dead = make_queue("retry"), make_queue("dead")
    environment = {"BUS": bus, "STACK": "tessera", "RETRY_QUEUE": retry, "DEAD_QUEUE": dead, "CAPABILITY": "relay"}
    return {"bindings": Bindings(environment), "heard": heard, "retry": retry, "dead": dead}


def record(event, table="tessera-gift-cards"):
    return {
        "eventSource": "aws:dynamodb",
        "eventSourceARN": f"arn:aws:dynamodb:eu-central-1:1:table/{table}/stream/2030",
        "dynamodb": {"NewImage": {"pk": {"S": "X"}, **(attributes(event) if event else {})}},
    }


def streamed(wiring, *records):
    return dispatch(triggers.ENTRIES, {"Records": list(records)}, wiring["bindings"])


def redelivered(wiring):
    """Deliver what waits in the retry queue, as Lambda would."""
    records = [
        {"messageId": str(number), "eventSource": "aws:sqs", "body": body}
        for number, body in enumerate(drain(wiring["retry"]))
    ]
    return dispatch(triggers.ENTRIES, {"Records": records}, wiring["bindings"])


def heard_types(wiring):
    return [json.loads(body)["detail-type"] for body in drain(wiring["heard"])]


def test_an_event_on_an_item_reaches_the_bus_whole(wiring):
    sent = NoteWritten(number=7)

    streamed(wiring, record(sent, "tessera-tasks"))

    (body,) = [json.loads(body) for body in drain(wiring["heard"])]
    assert (body["source"], body["detail-type"]) == ("tessera.tasks", NoteWritten.type)
    assert Envelope.parse(json.dumps(body["detail"])).data == {"number": 7}


def test_a_change_without_an_event_sends_nothing(wiring):
    streamed(wiring, record(None, "tessera-tasks"))

    assert drain(wiring["heard"]) == drain(wiring["retry"]) == []


def test_a_capability_cannot_speak_for_another(wiring):
    streamed(wiring, record(Forged(), "tessera-tasks"))

    assert drain(wiring["heard"]) == []
    assert len(drain(wiring["dead"])) == 1


def test_an_event_that_cannot_be_read_is_kept_for_a_person_and_holds_up_no_other(wiring):
    broken = record(NoteWritten(), "tessera-tasks")
    broken["dynamodb"]["NewImage"]["event"] = {"S": "not an event"}

    streamed(wiring, broken, record(NoteWritten(), "tessera-tasks"))

    assert heard_types(wiring) == [NoteWritten.type]
    (dead,) = [json.loads(body)["data"] for body in drain(wiring["dead"])]
    assert dead == {"capability": "tasks", "envelope": "not an event"}


def test_every_capability_may_report_to_the_audit(wiring):
    streamed(wiring, record(Audited(), "tessera-tasks"))

    assert heard_types(wiring) == [Audited.type]


@pytest.mark.parametrize("code", ["InternalFailure", "ThrottlingException"])
def test_what_the_bus_refuses_waits_and_is_sent_later(wiring, code):
    with failing("events", "PutEvents", code=code):
        streamed(wiring, record(NoteWritten(), "tessera-tasks"))
    assert drain(wiring["heard"]) == []

    answer = redelivered(wiring)

    assert answer == {"batchItemFailures": []}
    assert heard_types(wiring) == [NoteWritten.type]


def test_what_the_bus_refuses_again_stays_in_the_queue(wiring):
    with failing("events", "PutEvents", code="InternalFailure"):
        streamed(wiring, record(NoteWritten(), "tessera-tasks"))
        answer = redelivered(wiring)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}


def sizes_of(entries, name):
    return sum(len(entry[name].encode()) for entry in entries)


@pytest.fixture
def narrow():
    """AWS takes 256 KB in one request, whatever the number of entries; moto takes anything."""

    def refuse(service, operation, parameters):
        if operation == "PutEvents" and sizes_of(parameters["Entries"], "Detail") > 256 * 1024:
            raise aws.ClientError({"Error": {"Code": "ValidationException", "Message": "Too large."}}, operation)
        if operation == "SendMessageBatch" and sizes_of(parameters["Entries"], "MessageBody") > 256 * 1024:
            raise aws.ClientError({"Error": {"Code": "BatchRequestTooLong", "Message": "Too large."}}, operation)

    with aws.intercepted(refuse):
        yield


def long_notes():
    return [record(LongNoteWritten(text="ü" * 24_000), "tessera-tasks") for _ in range(10)]


def test_long_events_of_one_batch_all_reach_the_bus(wiring, narrow):
    streamed(wiring, *long_notes())

    assert drain(wiring["retry"]) == []
    assert len(heard_types(wiring)) == 10


def test_long_events_that_the_bus_refuses_all_wait_to_be_sent_later(wiring, narrow):
    with failing("events", "PutEvents", code="InternalFailure"):
        streamed(wiring, *long_notes())

    assert len(drain(wiring["retry"])) == 10


def test_the_stream_is_read_again_when_neither_bus_nor_queue_takes_an_event(wiring):
    lost = failing("sqs", "SendMessageBatch", code="InternalFailure")

    with failing("events", "PutEvents", code="InternalFailure"), lost, pytest.raises(aws.ClientError):
        streamed(wiring, record(NoteWritten(), "tessera-tasks"))


def test_a_crash_after_sending_sends_again_and_loses_nothing(wiring):
    with crash_at("relay.sent"), pytest.raises(Crash):
        streamed(wiring, record(NoteWritten(), "tessera-tasks"))

    streamed(wiring, record(NoteWritten(), "tessera-tasks"))

    assert heard_types(wiring) == [NoteWritten.type] * 2


def test_one_unreadable_message_does_not_hold_up_its_batch(wiring):
    good = triggers.Undelivered(capability="tasks", envelope=Envelope.of(NoteWritten()).text())
    bodies = ["not json", queues.message("relay", good.model_dump())]
    records = [{"messageId": str(number), "eventSource": "aws:sqs", "body": body} for number, body in enumerate(bodies)]

    answer = dispatch(triggers.ENTRIES, {"Records": records}, wiring["bindings"])

    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert heard_types(wiring) == [NoteWritten.type]


def test_the_capability_is_known_from_the_table_whatever_its_name():
    arn = "arn:aws:dynamodb:eu-central-1:1:table/tessera-gift-cards/stream/2030-01-01"

    assert triggers.capability_of(arn, "tessera") == "gift-cards"
