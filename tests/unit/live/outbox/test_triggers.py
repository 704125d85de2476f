"""Mails that other capabilities ask for through the bus."""

import json

import pytest

from tessera import clock, ids
from tessera.outbox import Envelope
from tessera.sealed import seal
from tests.kit.faults import Crash, crash_at, failing
from tests.kit.stores import everything_in

TYPE = "accounts.mail.requested.v1"


def requested(**data):
    body = {"to": "Ann@Example.com", "locale": "en", "category": "transactional", "data": {}, "secret": None, **data}
    envelope = Envelope(ids.new(), TYPE, clock.rfc3339(clock.now()), "", body)
    return json.dumps({"detail-type": TYPE, "source": "tessera.accounts", "detail": json.loads(envelope.text())})


@pytest.fixture
def verification(mail_key):
    secret = seal(mail_key, "mail", {"code": "246813", "link": "https://tessera.test/#v=sesame"})
    return requested(template="verify-sign-up", secret=secret)


def test_a_code_is_opened_only_for_its_mail_and_kept_nowhere_in_clear(worker, store, provider, verification):
    assert worker.give(verification) == []

    (letter,) = provider.letters
    assert letter.to == ["Ann@example.com"]
    assert "246813" in letter.text and "https://tessera.test/#v=sesame" in letter.html
    kept = json.dumps(everything_in(store.table), default=str)
    assert "246813" not in kept and "sesame" not in kept


def test_an_event_delivered_twice_sends_one_mail(worker, provider, verification):
    assert worker.give(verification, verification) == []
    assert worker.give(verification) == []

    assert provider.calls == 1


def test_a_crash_between_keeping_and_sending_loses_nothing(worker, provider, verification):
    with crash_at("outbox.claimed"), pytest.raises(Crash):
        worker.give(verification)

    assert worker.give(verification) == []
    worker.later(minutes=6)
    worker.later(minutes=16)

    assert provider.calls == 1


def test_an_event_is_tried_again_while_the_table_does_not_answer(worker, provider, verification):
    with failing("dynamodb", "TransactWriteItems", code="InternalServerError"):
        assert worker.give(verification) == ["0"]

    assert worker.give(verification) == []
    assert provider.calls == 1


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("password-changed", "14 March 2030, 09:26 UTC"),
        ("refresh-reused", "14 March 2030, 09:26 UTC"),
        ("sign-in-locked", "too many wrong passwords"),
    ],
)
def test_the_time_of_a_notice_is_that_of_its_event(worker, provider, template, words):
    assert worker.give(requested(template=template)) == []

    assert words in provider.letters[0].text


@pytest.mark.parametrize(
    "wrong",
    [{"template": "welcome"}, {"template": "new-device"}, {"template": "password-changed", "to": "nobody"}],
    ids=["unknown template", "missing value", "no address"],
)
def test_an_event_that_asks_for_nonsense_goes_to_the_dead_letters(worker, provider, wrong):
    assert worker.give(requested(**wrong)) == ["0"]

    assert provider.calls == 0


def test_a_due_mail_that_is_no_longer_there_is_done_with(worker):
    due = {"pk": f"M#{ids.new()}", "sk": "META", "due_pk": "DUE#x#0", "due_sk": "2030-03-14T09:26:53.000Z#x"}

    assert worker.give(json.dumps({"kind": "due", "data": due})) == []
