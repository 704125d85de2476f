"""Webhooks down to the socket: signed, tried five times, one attempt at a time."""

import base64
import hmac
import json

import pytest

from functions.live.reminders.actions import deliver
from functions.live.reminders.ports import Ports
from functions.live.reminders.store.rows import due_keys
from tessera import aws, clock
from tessera.due import DueItem
from tessera.safehttp import SafeHTTP
from tessera.safehttp.gate import Gate
from tests.kit.races import together
from tests.kit.stand_ins import Answer, Fault, WireStandIn


class Receiver(WireStandIn):
    def answer(self, asked):
        return Answer(204)


@pytest.fixture
def receiver():
    with Receiver() as found:
        yield found


@pytest.fixture
def ports(bindings, receiver):
    bindings.replace(SafeHTTP, SafeHTTP(Gate(opened=frozenset([receiver.url.removeprefix("http://")]))))
    return bindings.get(Ports)


@pytest.fixture
def secret_of_alice(alice, ports):
    return alice.post("/reminders/secrets", json={"name": "CI"}).json()


@pytest.fixture
def hook(make, receiver, secret_of_alice):
    """A reminder at 10 that calls the receiver."""

    def new(url=None):
        action = {"webhook": {"url": url or f"{receiver.url}/hook", "secret_id": secret_of_alice["id"]}}
        return make(action=action, cron="0 10 * * *", tz="UTC")

    return new


def start(worker):
    worker.at(clock.parse("2030-03-14T10:00:00Z"))


def run_row(bindings, reminder):
    return bindings.get(Ports).reminders.runs(reminder.id, 1, None).rows[0]


def test_the_receiver_can_tell_who_sent_it_and_what(hook, worker, receiver, secret_of_alice):
    reminder = hook()

    start(worker)
    assert worker.runs(reminder) == [("2030-03-14T10:00", "pending")]
    assert worker.give(*worker.sent.take()) == []

    (asked,) = receiver.journal
    headers = {name.lower(): value for name, value in asked.headers.items()}
    key = base64.b64decode(secret_of_alice["secret"].removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + asked.body
    code = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{code}"
    assert headers["webhook-timestamp"] == str(int(clock.now().timestamp()))
    assert asked.json()["data"] == {
        "reminder_id": reminder.id,
        "title": "Tea",
        "due_at": "2030-03-14T10:00:00.000Z",
        "occurrence_at": "2030-03-14T10:00:00.000Z",
        "attempt": 1,
    }
    assert worker.runs(reminder) == [("2030-03-14T10:00", "done")]


def test_after_five_failures_the_run_is_dead_and_the_next_one_is_as_planned(hook, worker, receiver, alice, ports):
    reminder = hook()
    receiver.next(*[Fault.status(500)] * 5)
    start(worker)
    assert worker.give(*worker.sent.take()) == []

    for pause in deliver.PAUSES:
        assert run_row(worker.bindings, reminder).result == "pending"
        worker.later(seconds=pause.total_seconds())

    run = alice.get("/reminders/dead-letters").json()["items"][0]
    assert (run["result"], run["attempts"], run["error"]) == ("failed", 5, "The other side answered 500.")
    assert [one["id"] for one in alice.get(f"/reminders/{reminder.id}/runs").json()["items"]] == [run["id"]]
    worker.later(hours=2)
    assert len(receiver.journal) == 5
    assert ports.reminders.find(reminder.id).pending.due == clock.parse("2030-03-15T10:00:00Z")


@pytest.mark.parametrize("fault", [Fault.status(503), Fault.hang_up(), Fault.garbage()], ids=["503", "hang up", "200"])
def test_a_failure_is_followed_by_another_attempt(hook, worker, receiver, fault):
    reminder = hook()
    receiver.next(fault)
    start(worker)

    worker.give(*worker.sent.take())
    worker.later(seconds=30)

    assert worker.runs(reminder) == [("2030-03-14T10:00", "done")]
    assert len(receiver.journal) == (1 if fault.answer.status == 200 and fault.kind == "answer" else 2)


def test_a_redirect_is_not_followed(hook, worker, receiver):
    reminder = hook()
    receiver.next(Fault.status(302, location="http://169.254.169.254/"))
    start(worker)

    worker.give(*worker.sent.take())

    assert run_row(worker.bindings, reminder).error == "The other side answered 302."


def test_an_address_that_has_become_private_fails_at_once(hook, worker, receiver, ports):
    reminder = hook()
    # As a name that leads elsewhere since: the pair is not opened any more.
    ports.web.gate = Gate()
    start(worker)

    worker.give(*worker.sent.take())

    run = run_row(worker.bindings, reminder)
    assert (run.result, int(run.attempts)) == ("failed", 1)
    assert receiver.journal == []


@pytest.mark.parametrize("gone", ["secret", "reminder", "action"])
def test_what_is_gone_cannot_be_called(hook, worker, receiver, alice, secret_of_alice, gone):
    reminder = hook()
    start(worker)
    waiting = worker.sent.take()
    if gone == "secret":
        alice.delete(f"/reminders/secrets/{secret_of_alice['id']}")
    elif gone == "reminder":
        alice.delete(f"/reminders/{reminder.id}")
    else:
        change = {"action": {"notify": {}}}
        assert alice.patch(f"/reminders/{reminder.id}", json=change, headers={"if-match": "*"}).status_code == 200

    assert worker.give(*waiting) == []

    assert run_row(worker.bindings, reminder).result == "failed"
    assert receiver.journal == []


def test_of_ten_workers_one_calls(hook, worker, receiver, ports):
    reminder = hook()
    start(worker)
    run = run_row(worker.bindings, reminder)
    seen = DueItem(run.pk, run.sk, run.due_pk, run.due_sk)

    together(lambda: deliver.attempt(ports, seen), times=10)

    assert len(receiver.journal) == 1
    assert worker.runs(reminder) == [("2030-03-14T10:00", "done")]


def test_a_worker_that_dies_in_its_attempt_leaves_it_to_another_one_later(hook, worker, receiver, ports):
    reminder = hook()
    start(worker)

    def die(service, operation, params):
        if operation == "reminders.claimed":
            raise RuntimeError("killed")

    with aws.intercepted(die):
        assert worker.give(*worker.sent.take()) == ["0"]
    worker.later(seconds=60)
    assert receiver.journal == []
    worker.later(seconds=30)

    assert len(receiver.journal) == 1
    assert int(run_row(worker.bindings, reminder).attempts) == 2


def test_an_attempt_that_outlived_its_lease_does_not_overwrite_the_next_one(hook, worker, receiver, ports):
    reminder = hook()
    start(worker)
    first = ports.reminders.claim(run_row(worker.bindings, reminder), clock.now() + deliver.LEASE)
    worker.later(seconds=90)

    late = ports.reminders.settle(first, deliver.Result.FAILED, error="late")

    assert late is None
    assert worker.runs(reminder) == [("2030-03-14T10:00", "done")]


def test_a_settled_run_is_not_claimed_again(hook, worker, receiver, ports):
    reminder = hook()
    start(worker)
    before = run_row(worker.bindings, reminder)
    worker.give(*worker.sent.take())

    assert ports.reminders.claim(before, clock.now() + deliver.LEASE) is None
    # Not even one that says it waits where the settled run stands.
    after = run_row(worker.bindings, reminder)
    after.due_pk, after.due_sk = due_keys(clock.now(), reminder.id, "x")
    ports.reminders.table.put(after)
    assert ports.reminders.claim(after, clock.now() + deliver.LEASE) is None


def test_an_attempt_before_its_time_waits(hook, worker, receiver, ports):
    hook()
    receiver.next(Fault.status(500))
    start(worker)
    worker.give(*worker.sent.take())
    ((body, delay),) = worker.sent.messages
    worker.sent.take()

    assert worker.give(body) == []

    assert delay == 30
    assert [json.loads(again)["data"] for again, _ in worker.sent.messages] == [json.loads(body)["data"]]
    assert len(receiver.journal) == 1
