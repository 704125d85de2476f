"""What somebody waits for and what goes to many: two streams, a guard for the one, a breaker for both."""

import json

import pytest

from functions.live.outbox import rules
from functions.live.outbox.actions import manage
from functions.live.outbox.actions.deliver import deliver
from functions.live.outbox.provider import Paused, Refused, Throttled
from functions.live.outbox.rules import Reputation, Suppression
from functions.live.outbox.store import Slot
from tessera import aws, clock
from tests.kit.logs import logged
from tests.kit.queues import drain
from tests.kit.races import together
from tools.ses_events import event


def bulk(ask, number=1):
    return [ask(f"p{n}@example.com", category="bulk", on_unknown="hold") for n in range(number)]


def state(store, mail):
    return store.mails.get(mail.id).state


def reputation(store):
    return store.guard.reputation()[0]


def test_each_stream_has_its_queue(store, ask):
    transactional, (many,) = ask(), bulk(ask)

    assert [json.loads(body)["data"]["mail_id"] for body in drain(store.settings.queue)] == [transactional.id]
    assert [json.loads(body)["data"]["mail_id"] for body in drain(store.settings.bulk_queue)] == [many.id]


def test_bulk_never_starves_transactional(ports, store, ask, provider, frozen):
    provider.speed = 20
    many = bulk(ask, 40)

    for mail in many:
        deliver(ports, mail.id, bulk=True)
    assert provider.calls == 9
    urgent = [ask(f"q{n}@example.com") for n in range(10)]
    for mail in urgent:
        deliver(ports, mail.id)

    assert {state(store, mail) for mail in urgent} == {"sent"}
    assert provider.calls == 19
    assert ask("late@example.com") and store.pace.take(20).wait_seconds == 1


@pytest.mark.parametrize(("rate", "share"), [(1, 3), (2, 3), (14, 36), (100, 282)])
def test_bulk_has_at_most_half_of_every_rate(store, frozen, rate, share):
    taken = 0
    for _ in range(6):
        while store.pace.take(rate, bulk=True) == Slot():
            taken += 1
        frozen.advance(seconds=1)

    assert taken == share


def test_a_bulk_mail_that_finds_no_room_comes_back_by_its_own_queue_later_and_later(ports, store, ask, provider):
    provider.speed = 2
    mail = bulk(ask)[0]
    drain(store.settings.bulk_queue)
    store.pace.take(2, bulk=True)
    store.pace.take(2)

    sent = []
    with aws.intercepted(lambda service, name, given: sent.append(given) if name == "SendMessage" else None):
        for _ in range(20):
            deliver(ports, mail.id, bulk=True, tries=6)

    assert {one["QueueUrl"] for one in sent} == {store.settings.bulk_queue}
    assert json.loads(sent[0]["MessageBody"])["data"] == {"mail_id": mail.id, "bulk": True, "tries": 7}
    assert 20 < max(one["DelaySeconds"] for one in sent) <= 130
    assert (provider.calls, state(store, mail)) == (0, "queued")


def test_the_sweeper_gives_bulk_to_its_own_queue(worker, store, ask, provider):
    mail = bulk(ask)[0]
    drain(store.settings.bulk_queue)

    worker.later(seconds=61)
    assert provider.calls == 0
    assert worker.work() == []

    assert state(store, mail) == "sent"


def test_rates_of_five_in_a_hundred_are_left_unused(store, frozen):
    taken = 0
    while store.pace.take(100) == Slot():
        taken += 1

    assert taken == 95


def test_bulk_finds_no_room_where_others_have_taken_it_all(store, frozen):
    while store.pace.take(20) == Slot():
        pass

    assert store.pace.take(20, bulk=True).wait_seconds == 1


def test_a_second_does_not_begin_under_a_pause_that_came_meanwhile(store, frozen):
    store.pace.take(20)
    frozen.advance(seconds=1)

    updates = []

    def pause_before_the_second(service, name, given):
        updates.append(name)
        if len(updates) == 2:
            store.pace.pause(clock.now().timestamp() + 60)

    with aws.intercepted(pause_before_the_second):
        slot = store.pace.take(20)

    assert slot.wait_seconds == 60


def test_workers_at_once_take_no_more_than_there_is(store, frozen):
    results = together(lambda: store.pace.take(10), times=20)

    assert sum(result.value == Slot() for result in results) == 9


def test_of_a_pause_one_mail_a_minute_is_the_probe(ports, store, ask, provider, frozen):
    mails = [ask(f"p{n}@example.com") for n in range(10)]
    provider.errors = [Paused("SendingPausedException")] * 2
    deliver(ports, mails[0].id)
    for mail in mails:
        deliver(ports, mail.id)
    assert provider.calls == 1

    frozen.advance(minutes=4)
    together(*[lambda mail=mail: deliver(ports, mail.id) for mail in mails])
    assert provider.calls == 2
    assert store.pace.take(100).wait_seconds > 0
    frozen.advance(seconds=61)
    slots = [result.value for result in together(lambda: store.pace.take(100), times=8)]

    assert [slot.is_probe for slot in slots].count(True) == 1
    assert all(slot.is_probe or slot.wait_seconds for slot in slots)


def test_a_probe_that_arrives_opens_the_way_for_all(worker, ports, store, ask, provider):
    first, second = ask(), ask("bob@example.com")
    provider.errors = [Paused("AccountSuspendedException")]
    worker.work()
    worker.later(minutes=4)
    worker.later(minutes=4)

    assert {state(store, first), state(store, second)} == {"sent"}
    assert store.pace.take(100) == Slot()


def test_a_probe_that_meets_something_else_says_nothing_yet(ports, store, ask, provider, frozen):
    mails = [ask(), ask("bob@example.com")]
    provider.errors = [Paused("SendingPausedException"), Throttled("TooManyRequestsException")]
    deliver(ports, mails[0].id)
    frozen.advance(minutes=7)
    deliver(ports, mails[1].id)

    assert provider.calls == 2
    assert store.pace.take(100).wait_seconds == 60


def test_a_pause_and_too_much_that_comes_back_raise_an_alarm(worker, ask, provider):
    first = ask()
    with logged() as written:
        worker.work()
        worker.hear(first.id, "complaint")
        worker.hear(first.id, "complaint", feedback_id="another")
        provider.errors = [Paused("SendingPausedException")]
        ask()
        worker.work()

    lines = [json.loads(line) for line in written().splitlines() if line.startswith("{")]
    assert [line["mail_paused"] for line in lines if "mail_paused" in line] == [1]
    assert [line["bulk_held"] for line in lines if "bulk_held" in line] == [1]


@pytest.mark.parametrize(("what", "most"), [("bounced", 50), ("complained", 1)])
def test_so_many_of_the_last_thousand_hold_bulk(what, most):
    found = Reputation(total=5_000)
    for _ in range(most - 1):
        found = found.after(what)
    assert not found.stops_bulk

    found = found.after(what)

    assert found.stops_bulk and found.recent(what) == most
    assert not Reputation(5_999 + 1, found.bounced, found.complained).stops_bulk
    assert Reputation(5_999, found.bounced, found.complained).stops_bulk


def test_a_complaint_holds_bulk_and_nothing_else(worker, store, ask, provider):
    first = ask("ann@example.com")
    worker.work()
    worker.hear(first.id, "complaint")
    many, urgent = bulk(ask)[0], ask("bob@example.com")

    worker.work()

    assert (state(store, many), state(store, urgent)) == ("queued", "sent")
    assert drain(store.settings.bulk_queue) == []


def test_held_bulk_goes_on_once_a_person_has_seen_to_it(worker, store, ask, admin):
    first = ask("ann@example.com")
    worker.work()
    worker.hear(first.id, "complaint")
    many = bulk(ask)[0]
    worker.work()
    worker.later(minutes=12)
    worker.work()
    shown = admin("GET", "/outbox/sending").json()
    assert (shown["bulk"]["state"], shown["transactional"]["state"], shown["complained"]) == ("held", "open", 1)
    assert state(store, many) == "queued"

    opened = admin("POST", "/outbox/sending/resume").json()
    worker.later(minutes=12)
    worker.work()

    assert (opened["bulk"]["state"], opened["complained"]) == ("open", 0)
    assert state(store, many) == "sent"


def test_a_pause_is_shown_and_can_be_ended(worker, store, ask, provider, admin):
    ask()
    provider.errors = [Paused("SendingPausedException")]
    worker.work()
    shown = admin("GET", "/outbox/sending").json()
    assert (shown["bulk"]["state"], shown["transactional"]["state"]) == ("paused", "paused")
    assert shown["probe_at"] == clock.rfc3339(clock.now() + rules.PAUSE)

    assert admin("POST", "/outbox/sending/resume").json()["probe_at"] is None

    worker.later(minutes=3)
    assert provider.calls == 2


def test_a_bounce_is_counted_once_however_often_it_is_told(worker, store, ask):
    mail = ask()
    worker.work()
    for shape in ("event", "sns", "notification", "event"):
        told = event("bounce", mail_id=mail.id, message_id=store.mails.get(mail.id).message_ids[0], shape=shape)
        assert worker.give(json.dumps(told)) == []

    assert reputation(store).recent("bounced") == 1


def test_bounces_at_once_are_all_counted(worker, store, ask):
    mails = [ask(f"p{n}@example.com") for n in range(8)]
    worker.work()
    bodies = [json.dumps(event("bounce", mail_id=mail.id, to=list(mail.to))) for mail in mails]

    results = together(*[lambda body=body: worker.give(body) for body in bodies])
    left = [body for result, body in zip(results, bodies, strict=True) if result.value]
    assert worker.give(*left) == []

    assert reputation(store).recent("bounced") == 8


def test_a_soft_bounce_says_nothing_against_us(worker, store, ask):
    mail = ask()
    worker.work()
    worker.hear(mail.id, "soft-bounce")

    assert reputation(store).recent("bounced") == 0


def test_mails_of_both_streams_are_counted(worker, store, ask):
    bulk(ask, 2)
    ask()
    worker.work()

    assert reputation(store).total == 3


def test_dead_letters_of_bulk_come_back_to_its_queue(store, ask):
    bulk(ask)
    (body,) = drain(store.settings.bulk_queue)
    aws.client("sqs").send_message(QueueUrl=store.settings.bulk_dead_queue, MessageBody=body)

    assert manage.redrive(store, [], at_most=10) == (0, 1)

    assert drain(store.settings.bulk_queue) == [body]


def test_a_dead_bulk_mail_that_is_retried_goes_by_the_queue_of_bulk(worker, store, ask, provider):
    mail = bulk(ask)[0]
    provider.errors = [Refused("MessageRejected")]
    worker.work()

    manage.retry(store, mail.id)

    assert len(drain(store.settings.bulk_queue)) == 1
    assert drain(store.settings.queue) == []


def test_bulk_costs_one_read_more(ports, ask):
    deliver(ports, ask().id)
    (mail,) = bulk(ask)
    with aws.metered() as sent:
        deliver(ports, mail.id, bulk=True)

    expected = ["BatchGetItem", "UpdateItem", "UpdateItem", "BatchGetItem", "GetItem", "TransactWriteItems"]
    assert sent.operations == expected


def test_who_is_suppressed_for_bulk_alone_gets_the_rest(store):
    known = rules.after_unsubscribing(Suppression())

    assert known.holds("bulk", clock.now()) and not known.holds("transactional", clock.now())
    lasting = rules.after_hard_bounce(Suppression())
    assert rules.after_unsubscribing(lasting) == lasting


def test_a_batch_tells_the_workers_of_ten_at_a_time(admin, store):
    mail = {"to": ["ann@example.com"], "subject": "News", "text": "Hello."}
    items = [mail] * 12 + [{**mail, "category": "bulk"}] * 3 + [{**mail, "send_at": "2030-04-01T00:00:00Z"}]
    sent = []
    with aws.intercepted(lambda service, name, given: sent.append(name) if service == "sqs" else None):
        assert admin("POST", "/outbox/emails/batch", json={"items": items}).status_code == 202

    assert sent == ["SendMessageBatch"] * 3
    assert (len(drain(store.settings.queue)), len(drain(store.settings.bulk_queue))) == (12, 3)
