"""Claim, send, record: one call to the provider whatever happens, and no mail lost."""

from datetime import timedelta

import pytest

from functions.live.outbox import rules
from functions.live.outbox.actions.deliver import deliver
from functions.live.outbox.drafts import Content
from functions.live.outbox.provider import Failed, Paused, Refused, Throttled, Unsure
from functions.live.outbox.rules import Suppression
from tessera import aws, clock
from tests.kit.faults import Crash, crash_at, failing
from tests.kit.queues import drain
from tests.kit.races import outcomes, together
from tests.kit.stores import events_in

CRASH_POINTS = ["claimed", "checked", "loaded", "composed", "calling", "called"]


def state(store, mail):
    return store.mails.get(mail.id).state


def test_a_mail_is_sent_and_its_sending_recorded(worker, store, ask, provider):
    mail = ask("ann@example.com", "bob@example.com", text="Hello.")

    assert worker.work() == []

    sent = store.mails.get(mail.id)
    assert (sent.state, sent.attempt, sent.message_ids) == ("sent", 1, tuple(provider.ids_of(mail.id)))
    assert provider.letters[0].to == ["ann@example.com", "bob@example.com"]
    assert "outbox.email.sent.v1" in events_in(store.table)
    assert store.listing.totals(f"{clock.now():%Y%m%d}")["sent"] == 1


def test_claim_exactly_one(ports, store, ask, provider):
    mail = ask()

    results = together(lambda: deliver(ports, mail.id), times=20)

    assert outcomes(results) == {"ok": 20}
    assert (provider.calls, state(store, mail)) == (1, "sent")


def test_a_message_delivered_twice_sends_once(worker, store, ask, provider):
    ask()
    bodies = drain(store.settings.queue)

    worker.give(*bodies, *bodies)

    assert provider.calls == 1


def test_sending_costs_what_it_costs(ports, store, ask, provider):
    # The first mail of a second starts the counter of the pace, which is one request more.
    deliver(ports, ask().id)
    with aws.metered() as asked:
        mail = ask()
    with aws.metered() as sent:
        deliver(ports, mail.id)
    with aws.metered() as read:
        store.listing.timeline(mail.id)

    assert asked.operations == ["BatchGetItem", "TransactWriteItems"]
    assert sent.operations == ["UpdateItem", "UpdateItem", "BatchGetItem", "GetItem", "TransactWriteItems"]
    assert read.operations == ["Query"]


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_crash_points(worker, store, ask, provider, point):
    mail = ask()
    with crash_at(f"outbox.{point}"), pytest.raises(Crash):
        worker.work()
    calls = provider.calls

    worker.later(minutes=5, seconds=1)
    assert (state(store, mail), provider.calls) == ("unknown", calls)
    worker.later(minutes=14)
    assert (state(store, mail), provider.calls) == ("unknown", calls)
    worker.later(minutes=2)

    found = store.mails.get(mail.id)
    assert (found.state, found.possible_duplicate) == ("sent", True)
    assert provider.calls == calls + 1


def test_a_crash_after_recording_sends_nothing_again(worker, store, ask, provider):
    mail = ask()
    with crash_at("outbox.recorded"), pytest.raises(Crash):
        worker.work()

    worker.later(hours=1)

    assert (provider.calls, state(store, mail)) == (1, "sent")


def test_a_mail_whose_message_was_lost_is_brought_by_the_sweeper(worker, store, ask, provider):
    mail = ask()
    drain(store.settings.queue)

    worker.later(seconds=61)

    assert (provider.calls, state(store, mail)) == (1, "sent")


def test_unknown_resend_flagged(worker, store, ask, provider):
    mail = ask()
    with crash_at("outbox.called", times=2):
        with pytest.raises(Crash):
            worker.work()
        worker.later(minutes=6)
        with pytest.raises(Crash):
            worker.later(minutes=16)
    assert provider.calls == 2

    worker.later(minutes=6)
    worker.later(minutes=16)

    found = store.mails.get(mail.id)
    assert (found.state, found.reason, found.possible_duplicate) == ("dead", "unknown-outcome", True)
    assert provider.calls == 2


def test_an_unknown_mail_that_must_not_come_twice_is_held(worker, store, ask, provider):
    mail = ask(on_unknown="hold")
    provider.errors = [Unsure("ReadTimeoutError")]
    worker.work()
    assert state(store, mail) == "unknown"

    worker.later(minutes=16)

    found = store.mails.get(mail.id)
    assert (found.state, found.reason, provider.calls) == ("dead", "unknown-outcome", 1)
    assert "outbox.email.dead.v1" in events_in(store.table)


def test_a_slow_worker_records_what_was_given_up_for_unknown(worker, store, ask, provider):
    mail = ask()
    claimed = store.mails.claim(mail.id, clock.now())
    worker.later(minutes=6)
    assert state(store, mail) == "unknown"

    store.mails.record_sent(claimed, "message-1")

    assert state(store, mail) == "sent"


def test_throttle_backoff(worker, store, ask, provider, frozen):
    mail = ask()
    provider.errors = [Throttled("TooManyRequestsException")] * 12
    start = clock.now()
    worker.work()

    while provider.errors:
        waiting = store.mails.get(mail.id)
        assert (waiting.state, waiting.failures) == ("queued", 0)
        wait = waiting.next_at - clock.now()
        assert timedelta(seconds=1) <= wait <= timedelta(minutes=5)
        worker.later(seconds=wait.total_seconds() + 61)

    worker.later(minutes=7)
    assert state(store, mail) == "sent"
    assert provider.calls == 13
    assert clock.now() > start


def test_the_fifth_failed_attempt_is_the_last(worker, store, ask, provider):
    mail = ask()
    provider.errors = [Failed("NotFoundException")] * 5
    worker.work()

    for _ in range(6):
        worker.later(minutes=10)

    found = store.mails.get(mail.id)
    assert (found.state, found.reason, provider.calls) == ("dead", "NotFoundException", 5)


def test_what_the_provider_refuses_is_dead_at_once(worker, store, ask, provider):
    mail = ask()
    provider.errors = [Refused("MessageRejected")]

    worker.work()

    assert (state(store, mail), store.mails.get(mail.id).reason) == ("dead", "MessageRejected")


def test_a_pause_stops_every_mail_and_one_of_them_probes_after_a_minute(worker, store, ask, provider, frozen):
    first, second = ask(), ask("bob@example.com")
    provider.errors = [Paused("SendingPausedException"), Paused("SendingPausedException")]
    worker.work()
    assert provider.calls == 1
    assert {state(store, first), state(store, second)} == {"queued"}

    worker.later(seconds=64)
    assert provider.calls <= 2
    worker.later(minutes=3)
    worker.later(minutes=3)

    assert {state(store, first), state(store, second)} == {"sent"}


def test_no_more_mails_a_second_than_the_provider_takes(ports, ask, provider, frozen):
    provider.speed = 10
    mails = [ask(f"p{number}@example.com") for number in range(12)]

    for mail in mails:
        deliver(ports, mail.id)
    assert provider.calls == 9

    frozen.advance(seconds=4)
    for mail in mails[9:]:
        deliver(ports, mail.id)
    assert provider.calls == 12


def test_a_key_service_that_is_down_delays_a_mail_and_does_not_make_it_doubtful(worker, store, ask, provider, mail_key):
    from tessera.sealed import seal

    sealed = seal(mail_key, "mail", {"link": "https://tessera.test/#t"})
    mail = ask(content=Content(template="password-reset", data={"link": "x"}, sealed=sealed))
    with failing("kms", "Decrypt", code="KMSInternalException"):
        worker.work()
    assert (state(store, mail), store.mails.get(mail.id).failures) == ("queued", 1)

    worker.later(minutes=2)

    assert state(store, mail) == "sent"
    assert "https://tessera.test/#t" in (provider.letters[0].text or "")


def test_a_secret_that_does_not_open_is_a_dead_letter(worker, store, ask, provider):
    mail = ask(content=Content(template="password-reset", data={"link": "x"}, sealed="AAAA"))

    worker.work()

    assert (store.mails.get(mail.id).reason, provider.calls) == ("secret-unreadable", 0)


def test_whoever_was_suppressed_meanwhile_is_left_out(worker, store, ask, provider):
    mail = ask("ann@example.com", "bob@example.com")
    only = ask("ann@example.com")
    store.suppressions.put("ann@example.com", Suppression(reason="manual"))

    worker.work()

    assert [letter.to for letter in provider.letters] == [["bob@example.com"]]
    assert state(store, mail) == "sent"
    assert store.mails.get(only.id).reason == "all-recipients-suppressed"


def test_a_mail_for_later_waits_for_its_time(worker, store, ask, provider):
    mail = ask(send_at=clock.now() + timedelta(hours=3))
    worker.work()
    worker.later(hours=2)
    assert (provider.calls, state(store, mail)) == (0, "queued")

    worker.later(hours=1, seconds=1)

    assert (provider.calls, state(store, mail)) == (1, "sent")


def test_cancel_and_claim_at_once_leave_one_winner(ports, store, ask, provider):
    for _ in range(5):
        mail, before = ask(), provider.calls

        together(lambda mail=mail: store.mails.cancel(mail.id), lambda mail=mail: deliver(ports, mail.id))

        ended = state(store, mail)
        assert (ended, provider.calls - before) in [("cancelled", 0), ("sent", 1)]


def test_a_mail_that_was_erased_while_it_was_sent_is_done_with(worker, store, ask, provider):
    mail = ask()
    claimed = store.mails.claim(mail.id, clock.now())
    store.listing.forget("ann@example.com", at_most=10)

    store.mails.record_sent(claimed, "message-1")

    assert store.mails.get(mail.id) is None


def test_the_wait_for_another_try_grows_and_has_an_end():
    for tries in range(40):
        assert rules.backoff_seconds(tries, lambda low, high: low) == 1
        assert rules.backoff_seconds(tries, lambda low, high: high) == min(300, 2 ** min(tries, 16))
