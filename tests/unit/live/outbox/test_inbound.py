"""Answers to our mails: told to whoever they belong to, once; anything else is dropped and counted."""

import json

import pytest

from functions.live.outbox.actions.receive import INBOUND
from functions.live.outbox.app import handler
from functions.live.outbox.inbound import words
from functions.live.outbox.replies import address_of, ref_in
from tessera import aws, clock
from tessera.auth.mac import Mac
from tests.kit.apps import invocation
from tests.kit.faults import Crash, crash_at, failing
from tests.kit.stores import everything_in, make_bucket
from tools.ses_events import received

REF = "01HZX3J0V7Q8M4N5P6R7S8T9VW"
DOMAIN = "reply.tessera.test"
ANSWER = (
    b"From: Ann <ann@example.com>\r\nSubject: Re: News\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe, it works.\r\n\r\n"
    b"On Monday, Tessera wrote:\r\n> Hello.\r\n"
)


@pytest.fixture
def mac(bindings):
    return bindings.get(Mac)


@pytest.fixture(autouse=True)
def domain(bindings):
    bindings.environment["REPLY_DOMAIN"] = DOMAIN


@pytest.fixture
def address(mac):
    return address_of(mac, DOMAIN, REF)


def answers(store):
    found = [json.loads(row["event"]["S"]) for row in everything_in(store.table) if "event" in row]
    return [one["data"] for one in found if one["type"] == "outbox.mail.received.v1"]


def counted(store):
    totals = store.listing.totals(f"{clock.now():%Y%m%d}")
    return totals["received"], totals["dropped"]


def forged(address):
    """With one character of the code changed."""
    place = address.index("@") - 5
    return address[:place] + ("b" if address[place] == "a" else "a") + address[place + 1 :]


def come(worker, to, raw=ANSWER, **changes):
    return worker.give(json.dumps(received(to, raw, **changes)))


def test_an_answer_is_told_of_with_what_it_belongs_to(worker, store, address):
    assert come(worker, address) == []

    (told,) = answers(store)
    assert told == {
        "reply_token": REF,
        "sender": "ann@example.com",
        "subject": "Re: News",
        "text": "Grüße, it works.",
        "is_authentic": True,
    }
    assert counted(store) == (1, 0)


def test_an_answer_that_is_reported_again_is_told_of_once(worker, store, address):
    for _ in range(3):
        assert come(worker, address) == []

    assert (len(answers(store)), counted(store)) == (1, (1, 0))


def test_an_address_is_short_enough_and_survives_programs_that_change_letters(mac, address):
    local = address.rpartition("@")[0]

    assert len(local) <= 64
    assert ref_in(mac, DOMAIN, address.upper()) == ref_in(mac, DOMAIN, address) == REF


@pytest.mark.parametrize(
    "change",
    [
        lambda address: address.replace("reply+", "reply-"),
        lambda address: address.replace("reply+0", "reply+1"),
        lambda address: address.replace("@reply", "@other"),
        lambda address: address.replace("@", "a@"),
        forged,
        lambda address: f"reply+@{DOMAIN}",
        lambda address: f"reply+é@{DOMAIN}",
        lambda address: f"hello@{DOMAIN}",
    ],
)
def test_a_mail_to_no_address_of_ours_is_dropped_and_counted(worker, store, address, change):
    assert come(worker, change(address)) == []

    assert (answers(store), counted(store)) == ([], (0, 1))


@pytest.mark.parametrize(
    "changes",
    [{"spamVerdict": {"status": "FAIL"}}, {"virusVerdict": {"status": "FAIL"}}, {"sender": "<>"}],
    ids=["spam", "virus", "from nobody"],
)
def test_what_nobody_wants_is_dropped(worker, store, address, changes):
    come(worker, address, **changes)

    assert (answers(store), counted(store)) == ([], (0, 1))


@pytest.mark.parametrize(
    "raw",
    [
        ANSWER.replace(b"Subject", b"Auto-Submitted: auto-replied\r\nSubject"),
        ANSWER.replace(b"Subject", b"X-Auto-Response-Suppress: All\r\nSubject"),
        b"",
        b"Content-Type: text/plain; charset=klingon\r\n\r\n\xff\xfe",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x",
        b"Subject: x\r\n\r\n> only what was quoted\r\n",
    ],
    ids=["a program", "outlook", "empty", "no charset", "no part", "quoted"],
)
def test_what_says_nothing_or_was_said_by_a_program_is_dropped(worker, store, address, raw):
    assert come(worker, address, raw) == []

    assert (answers(store), counted(store)) == ([], (0, 1))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Content-Type: text/html\r\n\r\n<p>Yes,</p><p>please.</p>", "Yes,\nplease."),
        (b"\r\nYes.\r\n-- \r\nAnn", "Yes."),
        (b"\r\nYes.\r\n-----Original Message-----\r\nHello", "Yes."),
        (b"\r\n" + b"x" * 20_000, "x" * 16_000),
    ],
    ids=["html", "signature", "outlook", "long"],
)
def test_only_what_somebody_wrote_is_kept(raw, text):
    assert words(raw).text == text


def test_who_cannot_be_sure_of_the_sender_is_told_so(worker, store, address):
    come(worker, address, dmarcVerdict={"status": "FAIL"})

    assert answers(store)[0]["is_authentic"] is False


class TestStored:
    """As SES leaves it: in the bucket."""

    @pytest.fixture
    def bucket(self, store):
        made = make_bucket("mail")
        store.settings.__dict__["bucket"] = made
        return made

    def put(self, bucket, key=f"{INBOUND}one"):
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=ANSWER)
        return {"type": "S3", "bucketName": bucket, "objectKey": key}

    def left(self, bucket):
        return aws.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"]

    def test_it_is_read_from_there_and_deleted(self, worker, store, address, bucket):
        assert come(worker, address, action=self.put(bucket)) == []

        assert answers(store)[0]["text"] == "Grüße, it works."
        assert self.left(bucket) == 0

    def test_a_crash_before_it_is_deleted_tells_of_it_once_and_deletes_it_later(self, worker, store, address, bucket):
        action = self.put(bucket)
        with crash_at("outbox.arrived"), pytest.raises(Crash):
            come(worker, address, action=action)

        assert come(worker, address, action=action) == []
        assert come(worker, address, action=action) == []

        assert (len(answers(store)), self.left(bucket)) == (1, 0)

    def test_nothing_is_read_that_is_kept_for_something_else(self, worker, store, address, bucket):
        assert come(worker, address, action=self.put(bucket, "outbox/another")) == []
        assert come(worker, address, action={**self.put(bucket), "bucketName": "elsewhere"}) == []

        assert (answers(store), counted(store), self.left(bucket)) == ([], (0, 0), 2)

    def test_a_store_that_does_not_answer_is_asked_again(self, worker, store, address, bucket):
        action = self.put(bucket)
        with failing("s3", "GetObject", code="InternalError"):
            assert come(worker, address, action=action) == ["0"]

        assert come(worker, address, action=action) == []
        assert len(answers(store)) == 1


HANDED = {"id": REF, "to": "ann@example.com", "subject": "Your ticket", "text": "Hello.", "reply_ref": REF}


def handed_over(body):
    return handler(invocation("/outbox/internal/emails", body, caller="notifications"), None)["statusCode"]


def test_a_mail_that_is_handed_over_can_be_answered(client, worker, provider, store):
    assert handed_over(HANDED) == 202
    worker.work()

    come(worker, provider.letters[0].reply_to)

    assert answers(store)[0]["reply_token"] == REF


def test_without_a_domain_that_takes_answers_a_mail_names_none(client, store, worker, provider):
    store.settings.__dict__["reply_domain"] = ""
    assert handed_over(HANDED) == 202
    worker.work()

    assert provider.letters[0].reply_to is None
