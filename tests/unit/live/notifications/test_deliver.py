"""One delivery: claimed once, tried again, given up, brought back."""

from datetime import time, timedelta

import pytest

from functions.live.notifications.actions import deliver, feed, manage, reported
from functions.live.notifications.providers.outcomes import Failed, Refused, Unsure
from functions.live.notifications.rules import attempts
from functions.live.notifications.rules.kinds import Digest, Window
from functions.live.notifications.rules.problems import NotRedrivable
from tessera import clock
from tests.kit.faults import Crash, crash_at
from tests.kit.races import together
from tests.kit.stores import events_in

EVERY_DAY = frozenset(range(7))
MAIL_ONLY = {"*": {"push": False}}
ORDER = {"kind": "order", "data": {"number": "7", "what": "is on its way"}}
PHONE = "+491701234567"


def with_number(world, user, number=PHONE):
    world.store.people.ask_code(user, number, "hash", clock.now())
    world.store.people.confirm_number(user, world.store.people.phone(user))
    return user


def device(world, user, token="a-token-of-a-phone"):
    return world.store.devices.register(user, "fcm", token)


def mailed(world, **given):
    user = world.person(matrix=MAIL_ONLY)
    world.send(user, **{**ORDER, **given})
    return user


def test_two_workers_one_delivery_one_call(world):
    user = world.person(matrix=MAIL_ONLY)
    world.ask(user, **ORDER)
    world.give(*world.waiting())
    one = world.feed(user)[0].id

    together(lambda: deliver.deliver(world.ports, one, "email"), times=8)

    assert (world.mail.calls, world.states(user)) == (1, {"email": "sent"})


def test_retry_schedule_then_dead_and_redrive(world):
    world.mail.errors = [Failed("busy")] * attempts.MAX_ATTEMPTS
    user = mailed(world)
    waited = []
    for base in attempts.PAUSES[:-1]:
        row = world.deliveries(user)["email"]
        assert row.state == "pending"
        waited.append((clock.parse(row.next_at) - clock.now()).total_seconds() / base)
        world.later(seconds=base * 1.2 + 100)

    row = world.deliveries(user)["email"]
    assert all(0.8 <= share <= 1.2 for share in waited)
    assert (row.state, row.reason, int(row.attempts), world.mail.calls) == ("dead", "busy", 5, 5)
    assert [one.id for one in world.store.deliveries.in_state("dead", 10, None).rows] == [row.id]

    manage.redrive(world.ports, manage.delivery_id_of(row))
    with pytest.raises(NotRedrivable):
        manage.redrive(world.ports, manage.delivery_id_of(row))
    world.work()

    assert (world.states(user), world.mail.calls) == ({"email": "sent"}, 6)
    assert world.store.deliveries.in_state("dead", 10, None).rows == []


def test_two_who_redrive_send_it_once(world):
    world.mail.errors = [Refused("no")]
    user = mailed(world)
    delivery_id = manage.delivery_id_of(world.deliveries(user)["email"])

    together(lambda: manage.redrive(world.ports, delivery_id), times=6)
    world.work()

    assert world.mail.calls == 2


def test_what_is_refused_for_good_is_not_tried_again(world):
    world.mail.errors = [Refused("bad-address")]
    user = mailed(world)
    world.later(days=1)

    assert (world.mail.calls, world.states(user)) == (1, {"email": "failed"})
    assert "notifications.delivery.failed.v1" in events_in(world.store.table)


@pytest.mark.parametrize("point", ["notify.claimed", "notify.called"])
def test_a_worker_that_dies_is_made_up_for_without_a_second_mail(world, point):
    user = world.person(matrix=MAIL_ONLY)
    world.ask(user, **ORDER)
    world.give(*world.waiting())
    with crash_at(point), pytest.raises(Crash):
        world.give(*world.waiting("email"))
    assert world.states(user) == {"email": "sending"}

    world.later(seconds=30)
    assert world.states(user) == {"email": "sending"}
    world.later(seconds=40)
    world.later(minutes=4)

    assert (world.states(user), len(world.mail.letters)) == ({"email": "sent"}, 1)


def test_an_sms_whose_outcome_nobody_knows_is_not_sent_again(world, monkeypatch):
    user = with_number(world, world.person(matrix={"order": {"sms": True, "push": False, "email": False}}))

    def vanish(message, target):
        raise Unsure("timeout")

    monkeypatch.setattr(world.ports.sms, "send", vanish)
    world.send(user, **ORDER)
    world.later(days=1)

    assert world.deliveries(user)["sms"].reason == "unknown-outcome"
    assert world.states(user)["sms"] == "dead"


def test_who_has_no_address_is_skipped_where_it_shows(world):
    user = world.person(email="", matrix={"order": {"sms": True, "webhook": True}})

    batch = world.send(user, **ORDER)

    assert set(world.states(user).values()) == {"skipped"}
    assert {row.reason for row in world.deliveries(user).values()} == {"no-address"}
    assert world.counts(batch) == {"inapp_sent": 1} | {
        f"{one}_skipped": 1 for one in ("email", "sms", "push", "webhook")
    }


def test_quiet_hours_hold_it_back_and_ask_again_at_their_end(world):
    quiet = Window(EVERY_DAY, time(9), time(10))
    user = world.person(windows=(quiet,), tz="UTC", matrix=MAIL_ONLY)
    other = world.person(windows=(quiet,), tz="UTC", matrix=MAIL_ONLY)
    world.send(user, other, **ORDER)
    assert (world.states(user), world.unread(user)) == ({"email": "deferred"}, 1)

    chosen = world.store.people.preferences(other)
    world.store.people.choose(other, type(chosen)(matrix={"*": {"email": False}}), expect=1)
    world.later(hours=1)

    assert world.states(user) == {"email": "sent"}
    assert (world.states(other), world.deliveries(other)["email"].reason) == ({"email": "skipped"}, "off")


def test_quiet_hours_that_drop_drop(world):
    user = world.person(windows=(Window(EVERY_DAY, time(9), time(10)),), quiet_mode="drop", matrix=MAIL_ONLY)

    world.send(user, **ORDER)

    assert (world.states(user), world.deliveries(user)["email"].reason) == ({"email": "skipped"}, "quiet")


def test_what_expires_while_it_waits_is_not_sent(world):
    user = world.person(windows=(Window(EVERY_DAY, time(9), time(10)),), matrix=MAIL_ONLY)
    world.send(user, **ORDER, expires_at=clock.now() + timedelta(minutes=10))
    world.later(hours=1)

    assert (world.states(user), world.mail.calls) == ({"email": "skipped"}, 0)


def test_critical_bypass(world):
    """Quiet, muted, in a digest and switched off: what is critical comes all the same."""
    user = world.person(
        windows=(Window(EVERY_DAY, time(9), time(10)),),
        muted_until=clock.now() + timedelta(days=1),
        digests={"*": Digest("weekly")},
        matrix={"order": {"email": False, "inapp": False, "push": False}},
    )

    world.send(user, **ORDER, priority="critical")

    assert (world.states(user)["email"], world.unread(user), world.mail.calls) == ("sent", 1, 1)


def test_who_is_muted_is_told_in_the_feed_alone(world):
    user = world.person(muted_until=clock.now() + timedelta(hours=1), matrix=MAIL_ONLY)

    world.send(user, **ORDER)

    assert (world.states(user), world.unread(user)) == ({"email": "skipped"}, 1)


def test_a_fallback_is_sent_when_nobody_has_read(world):
    user = with_number(world, world.person(matrix={"alert": {"sms": True, "email": False, "push": False}}))
    world.send(user, kind="alert", data={"title": "Frost"})
    assert world.states(user) == {"sms": "deferred"}

    world.later(minutes=11)

    assert world.states(user) == {"sms": "sent"}
    assert [one["body"] for one in world.door.stand_ins["twilio"].inbox] == ["Frost"]


def test_a_fallback_is_cancelled_by_reading(world):
    user = with_number(world, world.person(matrix={"alert": {"sms": True, "email": False, "push": False}}))
    world.send(user, kind="alert", data={"title": "Frost"})
    feed.read(world.ports, user, world.feed(user)[0].id)
    world.later(minutes=11)

    assert (world.states(user), world.deliveries(user)["sms"].reason) == ({"sms": "cancelled"}, "read")
    assert world.door.stand_ins["twilio"].inbox == []


def test_push_410_removes_device(world):
    user = world.person(matrix={"*": {"email": False}})
    device(world, user, "gone-since-long-ago")
    device(world, user)

    world.send(user, **ORDER)

    assert [row.address for row in world.store.devices.of(user)] == ["a-token-of-a-phone"]
    assert (world.states(user), len(world.door.stand_ins["fcm"].inbox)) == ({"push": "sent"}, 1)


def test_a_second_attempt_leaves_alone_who_has_got_it(world):
    user = world.person(matrix={"*": {"email": False}})
    device(world, user)
    browser = world.door.stand_ins["webpush"].subscribe()
    world.store.devices.register(
        user, "web", browser["endpoint"], p256dh=browser["keys"]["p256dh"], secret=browser["keys"]["auth"]
    )
    world.door.stand_ins["webpush"].faults = {"push": "503"}
    world.send(user, **ORDER)
    assert world.states(user) == {"push": "pending"}

    world.door.stand_ins["webpush"].faults = {}
    world.later(minutes=3)

    assert world.states(user) == {"push": "sent"}
    assert [len(world.door.stand_ins[name].inbox) for name in ("fcm", "webpush")] == [1, 1]


def test_so_much_goes_out_in_an_hour_and_no_more(world, monkeypatch):
    monkeypatch.setitem(attempts.CAPS, "email", (2, 3_600))
    user = world.person(matrix=MAIL_ONLY)
    for _ in range(3):
        world.send(user, **ORDER)
    world.send(user, **ORDER, priority="critical")

    rows = world.store.deliveries.of_user(user, 10, None).rows
    mails = [row for row in rows if row.channel == "email"]
    assert sorted(row.reason or row.state for row in mails) == ["rate-cap", "sent", "sent", "sent"]


def test_at_the_cap_exactly_as_many_go_out_as_may(world, monkeypatch):
    monkeypatch.setitem(attempts.CAPS, "email", (3, 3_600))
    user = world.person(matrix=MAIL_ONLY)
    for _ in range(6):
        world.ask(user, **ORDER)
    world.give(*world.waiting())
    bodies = world.waiting("email")

    together(*(lambda body=body: world.give(body) for body in bodies))
    world.sweep()

    assert len(world.mail.letters) == 3


def test_what_arrived_bounced_or_was_complained_of_is_noted(world):
    one, two, three = (mailed(world) for _ in range(3))
    mails = [world.feed(user)[0].id for user in (one, two, three)]

    assert world.event("outbox.email.delivered.v1", {"mail_id": mails[0]}) == []
    assert world.event("outbox.email.bounced.v1", {"mail_id": mails[1]}) == []
    assert world.event("outbox.email.dead.v1", {"mail_id": mails[2], "reason": "rejected"}) == []
    world.event("outbox.email.delivered.v1", {"mail_id": mails[1]})

    assert [world.states(user)["email"] for user in (one, two, three)] == ["delivered", "failed", "failed"]


def test_a_report_that_comes_too_early_comes_again(world):
    user = world.person(matrix=MAIL_ONLY)
    world.ask(user, **ORDER)
    world.give(*world.waiting())
    one = world.feed(user)[0].id

    assert len(world.event("outbox.email.delivered.v1", {"mail_id": one})) == 1


def test_whoever_complains_gets_no_more_mail(world):
    import hashlib

    user = mailed(world)
    digest = hashlib.sha256(b"ann@example.com").hexdigest()
    world.event("outbox.address.complained.v1", {"address_hash": digest})
    world.send(user, **ORDER)

    assert len(world.mail.letters) == 1
    assert world.store.people.preferences(user).matrix["*"]["email"] is False


def test_stop_and_start_are_honoured(world):
    user = with_number(world, world.person(matrix={"order": {"sms": True, "email": False, "push": False}}))
    assert reported.replied(world.ports, PHONE, "stop") == reported.STOPPED
    world.send(user, **ORDER)
    assert world.deliveries(user)["sms"].reason == "opted-out"

    reported.replied(world.ports, PHONE, "START")
    world.send(user, **ORDER)

    assert len(world.door.stand_ins["twilio"].inbox) == 1


def test_what_is_erased_while_it_waits_is_not_sent(world):
    user = world.person(windows=(Window(EVERY_DAY, time(9), time(10)),), matrix=MAIL_ONLY)
    world.send(user, **ORDER)
    row = world.feed(user)[0]
    world.store.table.delete(type(row), row.pk, row.sk)
    world.later(hours=1)

    assert (world.states(user), world.mail.calls) == ({"email": "cancelled"}, 0)
