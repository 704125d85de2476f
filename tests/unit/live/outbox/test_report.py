"""What the provider reports: matched, once, in any order and in every shape."""

import itertools
import json
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.live.outbox import rules
from functions.live.outbox.actions.deliver import deliver
from functions.live.outbox.addresses import digest
from functions.live.outbox.provider import Throttled, Unsure
from functions.live.outbox.rules import Suppression
from functions.live.outbox.store import Contended
from tessera import clock, ids
from tessera.transact import transact
from tests.kit.faults import Crash, contention, crash_at, meanwhile
from tests.kit.races import outcomes, together
from tests.kit.stores import events_in
from tools.ses_events import event

ANN = "ann@example.com"


@pytest.fixture
def sent(worker, ask, store):
    mail = ask(ANN)
    worker.work()
    return store.mails.get(mail.id)


def state(store, mail):
    return store.mails.get(mail.id).state


def totals(store):
    return store.listing.totals(f"{clock.now():%Y%m%d}")


@pytest.mark.parametrize("kind", ["send", "delivery", "bounce", "reject", "soft-bounce", "delay"])
@pytest.mark.parametrize("since", ["claimed", "unknown"])
def test_unknown_matched_by_event(worker, store, ask, provider, kind, since):
    mail = ask(ANN)
    with crash_at("outbox.called"), pytest.raises(Crash):
        worker.work()
    if since == "unknown":
        worker.later(minutes=6)
    assert state(store, mail) == since

    worker.hear(mail.id, kind, message_id=provider.ids_of(mail.id)[0])
    worker.later(hours=1)

    found = store.mails.get(mail.id)
    reached = {"delivery": "delivered", "bounce": "bounced", "reject": "bounced"}.get(kind, "sent")
    assert (found.state, found.possible_duplicate, provider.calls) == (reached, False, 1)
    assert found.message_ids == tuple(provider.ids_of(mail.id))


def test_an_event_that_comes_while_a_resend_waits_stops_it(worker, store, ask, provider):
    mail = ask(ANN)
    provider.errors = [Unsure("ReadTimeoutError"), Throttled("TooManyRequestsException")]
    worker.work()
    worker.later(minutes=16)
    assert (state(store, mail), provider.calls) == ("queued", 2)

    worker.hear(mail.id, "delivery", attempt=1)
    worker.later(hours=1)

    assert (state(store, mail), provider.calls) == ("delivered", 2)


def test_an_event_for_a_mail_that_was_held_brings_it_back(worker, store, ask, provider):
    mail = ask(ANN, on_unknown="hold")
    provider.errors = [Unsure("ReadTimeoutError")]
    worker.work()
    worker.later(minutes=16)
    assert state(store, mail) == "dead"

    worker.hear(mail.id, "delivery")

    found = store.mails.get(mail.id)
    assert (found.state, found.reason) == ("delivered", None)


def test_a_late_event_goes_to_the_attempt_it_is_about(worker, store, ask, provider):
    mail = ask(ANN)
    provider.errors = [Unsure("ReadTimeoutError")]
    worker.work()
    worker.later(minutes=16)
    assert (state(store, mail), provider.calls) == ("sent", 2)

    worker.hear(mail.id, "delivery", attempt=1, message_id="first-message")

    found, news = store.listing.timeline(mail.id)
    assert (found.state, news[0].attempt, news[0].message_id) == ("delivered", 1, "first-message")
    assert set(found.message_ids) == {"first-message", *provider.ids_of(mail.id)}


def test_an_event_that_overtakes_the_recording_is_not_lost(worker, store, ask, provider):
    mail = ask(ANN)
    claimed = store.mails.claim(mail.id, clock.now())

    worker.hear(mail.id, "delivery", message_id="message-1")
    store.mails.record_sent(claimed, "message-1")

    found = store.mails.get(mail.id)
    assert (found.state, found.message_ids) == ("delivered", ("message-1",))
    assert totals(store)["sent"] == totals(store)["delivered"] == 1


@pytest.mark.parametrize("order", list(itertools.permutations(["send", "delivery", "bounce", "complaint"])))
def test_events_out_of_order(worker, store, sent, order):
    for kind in order:
        assert worker.hear(sent.id, kind, message_id=sent.message_ids[0]) == []

    found, news = store.listing.timeline(sent.id)
    assert (found.state, len(news)) == ("complained", 4)
    assert totals(store)["complained"] == 1


def test_a_late_delivery_does_not_hide_a_bounce(worker, store, sent):
    worker.hear(sent.id, "bounce")
    worker.hear(sent.id, "delivery")

    assert state(store, sent) == "bounced"


@pytest.mark.parametrize("shape", ["event", "sns", "eventbridge", "notification"])
def test_three_event_shapes(worker, store, sent, shape):
    told = event("delivery", mail_id=sent.id, message_id=sent.message_ids[0], shape=shape)

    assert worker.give(json.dumps(told)) == []

    found, news = store.listing.timeline(sent.id)
    assert (found.state, [one.kind for one in news]) == ("delivered", ["delivered"])
    assert news[0].recipient_hash == digest(ANN)


def test_the_same_news_in_two_shapes_and_many_times_counts_once(worker, store, sent):
    for shape in ["event", "sns", "eventbridge", "notification", "event"]:
        told = event("soft-bounce", mail_id=sent.id, message_id=sent.message_ids[0], shape=shape)
        assert worker.give(json.dumps(told)) == []

    assert store.suppressions.get(digest(ANN)).hits == 1


def test_an_older_notification_is_matched_by_our_header_when_it_has_no_tags(worker, store, sent):
    told = event("delivery", mail_id=sent.id, message_id="another-id", shape="notification")
    told["mail"]["headers"] = [{"name": "X-Tessera-Mail", "value": f"{sent.id}/1"}]

    assert worker.give(json.dumps(told)) == []

    assert state(store, sent) == "delivered"


def test_an_older_notification_that_comes_too_early_comes_again(worker, store, ask):
    mail = ask(ANN)
    told = json.dumps(event("delivery", mail_id=mail.id, message_id=f"message-1-{mail.id}", shape="notification"))
    assert worker.give(told) == ["0"]

    worker.work()

    assert worker.give(told) == []
    assert state(store, mail) == "delivered"


@pytest.mark.parametrize(
    "body", ["no json", "[]", "{}", '{"eventType": "Delivery"}', '{"Type": "Notification", "Message": "x"}']
)
def test_what_is_no_report_goes_back_to_the_queue_until_a_person_sees_it(worker, body):
    assert worker.give(body) == ["0"]


def test_a_report_of_something_else_is_done_with(worker, store, sent):
    told = event("delivery", mail_id=sent.id)
    told["eventType"] = "Open"

    assert worker.give(json.dumps(told)) == []
    assert state(store, sent) == "sent"


def test_a_report_of_a_mail_that_is_gone_is_done_with(worker):
    assert worker.hear(ids.new(), "delivery") == []


def test_bounce_suppresses(worker, store, sent):
    worker.hear(sent.id, "bounce")

    assert store.suppressions.held([ANN], "transactional", clock.now()) == {ANN}
    assert "outbox.email.bounced.v1" in events_in(store.table)
    (shown,), _ = store.suppressions.page(10, None)
    assert (shown["address"], shown["reason"], shown["until"]) == (ANN, "bounce", None)


def test_what_the_provider_itself_suppresses_is_suppressed_here(worker, store, sent):
    worker.hear(sent.id, "suppressed")

    assert store.suppressions.held([ANN], "bulk", clock.now()) == {ANN}


def test_the_third_soft_bounce_in_a_week_suppresses_for_two_weeks(worker, store, sent, frozen):
    for number in range(3):
        assert store.suppressions.held([ANN], "transactional", clock.now()) == frozenset()
        worker.hear(sent.id, "soft-bounce", feedback_id=f"feedback-{number}")
        frozen.advance(days=2)

    assert store.suppressions.held([ANN], "transactional", clock.now()) == {ANN}
    frozen.advance(days=13)
    assert store.suppressions.held([ANN], "transactional", clock.now()) == frozenset()


def test_soft_bounces_that_are_far_apart_suppress_nobody():
    known, now = Suppression(), clock.now()
    for number in range(6):
        at = now + timedelta(days=4 * number)
        known = rules.after_soft_bounce(known, at, at)

    assert (known.reason, known.hits) == (None, 6)


def test_a_soft_bounce_does_not_end_a_lasting_suppression():
    known = rules.after_hard_bounce(Suppression())
    for _ in range(4):
        known = rules.after_soft_bounce(known, clock.now(), clock.now())

    assert (known.reason, known.until) == ("bounce", None)


@pytest.mark.parametrize(
    ("first", "reason"), [(rules.after_complaint, "complaint"), (rules.after_unsubscribing, "unsubscribed")]
)
def test_soft_bounces_rest_every_mail_and_leave_what_holds_for_good(first, reason):
    now = clock.now()
    known = first(Suppression())
    for _ in range(3):
        known = rules.after_soft_bounce(known, now, now)

    assert known.holds("transactional", now + timedelta(days=13))
    assert not known.holds("transactional", now + timedelta(days=15))
    assert known.holds("bulk", now + timedelta(days=400))
    assert known.reason == reason


@pytest.mark.parametrize("then", [rules.after_complaint, rules.after_unsubscribing])
def test_whoever_asks_for_no_bulk_while_every_mail_rests_gets_neither(then):
    now = clock.now()
    until = now + timedelta(days=9)

    known = then(Suppression(reason="manual", until=until))

    assert known.holds("transactional", now) and not known.holds("transactional", until)
    assert known.holds("bulk", now + timedelta(days=400))


HAPPENS = {
    "a hard bounce": lambda known, now: rules.after_hard_bounce(known),
    "a soft bounce": lambda known, now: rules.after_soft_bounce(known, now, now),
    "a complaint": lambda known, now: rules.after_complaint(known),
    "unsubscribing": lambda known, now: rules.after_unsubscribing(known),
}
MANUAL = st.builds(
    lambda days, bulk_only: Suppression(
        reason="manual", bulk_only=bulk_only, until=days and clock.now() + timedelta(days=days)
    ),
    st.none() | st.integers(1, 90),
    st.booleans(),
)


@given(
    known=st.just(Suppression()) | MANUAL,
    steps=st.lists(st.tuples(st.sampled_from(sorted(HAPPENS)), st.integers(0, 5)), min_size=1, max_size=12),
)
@example(  # The rest of a complaint is what is left of a longer decision; soft bounces do not shorten it.
    known=Suppression(reason="manual", until=clock.from_millis(4_000_000_000_000)),
    steps=[("a complaint", 0), *[("a soft bounce", 0)] * 3],
)
@example(  # Rested anew beside a first rest, which a complaint does not fall back to.
    known=Suppression(), steps=[("a soft bounce", 0)] * 5 + [("a soft bounce", 5), ("a complaint", 0)]
)
def test_nothing_that_happens_lets_a_mail_through_that_was_held(known, steps):
    now = clock.now()
    for what, days in steps:
        now += timedelta(days=days)
        after = HAPPENS[what](known, now)
        for category in ("transactional", "bulk"):
            for ahead in range(0, 120, 3):
                then = now + timedelta(days=ahead)
                assert after.holds(category, then) or not known.holds(category, then), (what, category, ahead)
        known = after


def test_a_rest_is_kept_with_the_address(worker, store, sent):
    store.suppressions.put(ANN, Suppression(reason="manual", bulk_only=True))
    for number in range(3):
        worker.hear(sent.id, "soft-bounce", feedback_id=f"feedback-{number}")

    assert store.suppressions.held([ANN], "transactional", clock.now()) == {ANN}
    assert store.suppressions.held([ANN], "bulk", clock.now() + timedelta(days=400)) == {ANN}


def test_what_a_person_decides_survives_a_bounce_at_the_same_time(worker, store, sent):
    worker.hear(sent.id, "soft-bounce", feedback_id="first")
    manual = Suppression(reason="manual")

    with meanwhile("TransactWriteItems", lambda: store.suppressions.put(ANN, manual)):
        worker.hear(sent.id, "soft-bounce", feedback_id="second")

    found = store.suppressions.get(digest(ANN))
    assert (found.reason, found.hits) == ("manual", 1)


def test_what_was_lifted_and_decided_anew_is_not_taken_for_the_same(store, frozen):
    store.suppressions.put(ANN, Suppression(reason="manual"))
    as_read = store.suppressions.get(digest(ANN))
    store.suppressions.lift(ANN)
    frozen.advance(seconds=1)
    store.suppressions.put(ANN, Suppression(reason="manual", bulk_only=True))

    with pytest.raises(Contended):
        transact(store.suppressions.changing(as_read, digest(ANN), Suppression(), ANN))


def test_whoever_got_none_is_known_though_the_report_came_first(worker, store, ask, provider, ports):
    mail = ask(ANN, "bob@example.com")
    store.suppressions.put("bob@example.com", Suppression(reason="manual"))
    sending = provider.send

    def send(letter):
        message_id = sending(letter)
        worker.hear(mail.id, "send", message_id=message_id)
        return message_id

    provider.send = send
    deliver(ports, mail.id)

    assert (state(store, mail), store.mails.get(mail.id).left_out) == ("sent", ("bob@example.com",))


def test_who_got_none_of_an_attempt_says_nothing_of_the_next(store, ask, frozen):
    mail = ask(ANN, "bob@example.com")
    first = store.mails.claim(mail.id, clock.now())
    store.mails.give_back(first, clock.now(), "failed", "", counts=True)
    store.mails.claim(mail.id, clock.now())

    store.mails.record_sent(first, "message-1", frozenset(["bob@example.com"]))

    assert store.mails.get(mail.id).left_out == ()


def test_a_complaint_ends_bulk_mail_and_tells_who_asks_for_none(worker, store, sent):
    worker.hear(sent.id, "complaint")

    assert store.suppressions.held([ANN], "bulk", clock.now()) == {ANN}
    assert store.suppressions.held([ANN], "transactional", clock.now()) == frozenset()
    assert "outbox.address.complained.v1" in events_in(store.table)


def test_reports_of_many_recipients_at_once_all_arrive(worker, store, ask, bindings):
    people = [f"p{number}@example.com" for number in range(12)]
    mail = ask(*people)
    worker.work()
    bodies = [json.dumps(event("bounce", mail_id=mail.id, to=[one], feedback_id=one)) for one in people]

    with contention(0.2, seed=7):
        results = together(*[lambda body=body: worker.give(body) for body in bodies])

    assert outcomes(results) == {"ok": 12}
    left = [body for result, body in zip(results, bodies, strict=True) if result.value for body in [body]]
    assert worker.give(*left) == []
    found, news = store.listing.timeline(mail.id)
    assert (found.state, len([one for one in news if one.kind == "hard_bounce"])) == ("bounced", 12)
    assert store.suppressions.held(people, "bulk", clock.now()) == set(people)
    assert totals(store)["bounced"] == 1
