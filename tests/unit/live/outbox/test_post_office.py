"""The local stand-in for mail that comes in, against the mail worker itself: each understands what the other writes."""

import json

import pytest

from functions.live.outbox.app import handler
from localstack.post_office import Outcome, Places, PostOffice
from tessera import aws, ids
from tests.kit.apps import invocation
from tests.kit.queues import drain
from tests.kit.stores import envelopes_in, make_bucket

REF = "01HZX3J0V7Q8M4N5P6R7S8T9VW"
DOMAIN = "reply.example.com"
ANSWER = b"From: ann@example.com\r\nTo: someone\r\nSubject: Re: News\r\n\r\nYes, please.\r\n"


@pytest.fixture
def reports() -> str:
    """The queue behind the topic, as `messages.yaml` ties it to it."""
    name = f"reports-{ids.new().lower()}"
    url = str(aws.client("sqs").create_queue(QueueName=name)["QueueUrl"])
    topic = aws.client("sns").create_topic(Name=name)["TopicArn"]
    queue = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"}
    )
    return f"{url} {topic}"


@pytest.fixture(autouse=True)
def bucket(bindings) -> str:
    bindings.environment |= {"REPLY_DOMAIN": DOMAIN, "BUCKET": make_bucket("uploads")}
    return str(bindings.environment["BUCKET"])


@pytest.fixture
def office(store, bucket, reports) -> PostOffice:
    return PostOffice(Places(store.table.name, bucket, reports.partition(" ")[2]), aws.client)


@pytest.fixture
def mailed(office, client, worker, provider):
    """The provider's id of a mail that was handed over with these fields and sent."""

    def send(**more: str) -> str:
        body = {"id": ids.new(), "to": "ann@example.com", "subject": "News", "text": "Hello.", **more}
        assert handler(invocation("/outbox/internal/emails", body, caller="notifications"), None)["statusCode"] == 202
        worker.work()
        return provider.ids_of(body["id"])[0]

    return send


def come(office, worker, reports, to, letter=ANSWER):
    """The id of a mail that came in, and the messages of which the worker was told."""
    message_id = office.take_in(letter, sender="ann@example.com", to=to, subject="Re: News")
    bodies = drain(reports.partition(" ")[0])
    assert office.became(message_id).state == "waiting"
    assert worker.give(*bodies) == []
    return message_id, bodies


def test_a_mail_is_answered_at_the_address_that_it_carries(office, mailed, provider):
    sent = mailed(reply_ref=REF)

    assert office.answered_at(sent) == provider.letters[0].reply_to != ""


def test_a_large_mail_is_answered_at_its_address_too(office, mailed, provider):
    sent = mailed(reply_ref=REF, text="x" * 200_000)

    assert office.answered_at(sent) == provider.letters[0].reply_to != ""


def test_a_mail_that_asks_for_no_answer_names_no_address(office, mailed):
    assert office.answered_at(mailed()) == ""
    assert office.answered_at("a mail of nobody's") == ""


def test_an_answer_goes_through_bucket_topic_and_queue_and_is_told_of(office, mailed, worker, reports, store):
    message_id, bodies = come(office, worker, reports, office.answered_at(mailed(reply_ref=REF)))

    outcome = office.became(message_id)
    (event,) = [one for one in envelopes_in(store.table) if one.type == "outbox.mail.received.v1"]
    assert outcome == Outcome("received", REF, "Yes, please.", event.trace.split("-")[1])
    assert (event.data["sender"], event.data["subject"], event.data["is_authentic"]) == (
        "ann@example.com",
        "Re: News",
        True,
    )
    # The receipt rule of `template.yaml` leaves the mail in the bucket, not in the message.
    told = json.loads(bodies[0])
    assert (told["receipt"]["action"]["type"], "content" in told, len(bodies)) == ("S3", False, 1)
    assert aws.client("s3").list_objects_v2(Bucket=store.settings.bucket)["KeyCount"] == 0


@pytest.mark.parametrize(
    ("to", "letter"),
    [(f"reply+{REF.lower()}aaaaaaaaaaaaaaaaaaaa@{DOMAIN}", ANSWER), (f"hello@{DOMAIN}", ANSWER), ("", b"\r\n> Hello.")],
    ids=["forged", "not signed", "no words"],
)
def test_anything_else_is_dropped(office, mailed, worker, reports, to, letter):
    message_id, _ = come(office, worker, reports, to or office.answered_at(mailed(reply_ref=REF)), letter)

    assert office.became(message_id) == Outcome("dropped")
