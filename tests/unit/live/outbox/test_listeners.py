"""What becomes of a mail, told to whoever asked for it."""

import pytest

from functions.live.outbox.listeners import Listeners
from functions.live.outbox.ports import Ports
from functions.live.outbox.provider import Refused, Unsure
from tessera import ids
from tessera.problems import Unavailable
from tests.kit.faults import meanwhile

MAIL = {"to": ["ann@example.com"], "subject": "News", "text": "Hello."}


class Heard:
    """The hub: what was told, on which topic."""

    def __init__(self):
        self.told, self.errors = [], []

    def tell(self, topic, data):
        if self.errors:
            raise self.errors.pop()
        self.told.append((topic, data["state"], data["mail_id"]))


@pytest.fixture
def heard(bindings):
    made = Heard()
    bindings.replace(Listeners, Listeners(made))
    return made


@pytest.fixture
def mail_id(heard, admin):
    return admin("POST", "/outbox/emails", json=MAIL).json()["id"]


def test_whoever_asked_hears_of_every_step_once(worker, store, heard, mail_id):
    worker.work()
    for kind in ("send", "delivery", "delivery", "bounce"):
        worker.hear(mail_id, kind)

    topic = f"user:{store.mails.get(mail_id).asked_by}"
    assert heard.told == [(topic, state, mail_id) for state in ("sent", "delivered", "bounced")]


def test_a_mail_that_dies_is_told_of(worker, heard, provider, mail_id):
    provider.errors = [Refused("MessageRejected")]
    worker.work()

    assert [state for _, state, _ in heard.told] == ["dead"]


def test_a_mail_that_is_held_because_nobody_knows_is_told_of(worker, heard, provider, admin):
    admin("POST", "/outbox/emails", json={**MAIL, "on_unknown": "hold"})
    provider.errors = [Unsure("ReadTimeoutError")]
    worker.work()
    worker.later(minutes=16)

    assert [state for _, state, _ in heard.told] == ["dead"]


@pytest.mark.parametrize("outcome", ["refused", "unknown"])
def test_a_mail_that_arrives_in_the_moment_it_is_given_up_is_not_told_dead(
    worker, store, heard, provider, admin, outcome
):
    mail_id = admin("POST", "/outbox/emails", json={**MAIL, "on_unknown": "hold"}).json()["id"]
    provider.errors = [Refused("MessageRejected") if outcome == "refused" else Unsure("ReadTimeoutError")]
    if outcome == "unknown":
        worker.work()

    with meanwhile("TransactWriteItems", lambda: worker.hear(mail_id, "delivery")):
        worker.work()
        worker.later(minutes=16)

    assert store.mails.get(mail_id).state == "delivered"
    assert [state for _, state, _ in heard.told] == ["delivered"]


def test_a_service_hears_nothing(worker, heard, ask):
    ask()
    worker.work()

    assert heard.told == []


def test_a_hub_that_does_not_answer_stops_no_mail(worker, store, heard, mail_id):
    heard.errors = [Unavailable()]

    assert worker.work() == []
    assert store.mails.get(mail_id).state == "sent"


def test_without_a_hub_nothing_is_told(bindings):
    bindings.environment["REALTIME"] = ""

    bindings.get(Ports).listeners.tell(ids.new(), ids.new(), "sent")
