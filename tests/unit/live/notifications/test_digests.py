"""Digests: one message for a window, whatever happens at its end."""

from datetime import time

import pytest

from functions.live.notifications.actions import digests, feed, send
from functions.live.notifications.rules.kinds import Digest, Preferences, Window
from tessera import clock
from tests.kit.faults import Crash, crash_at
from tests.kit.races import together

MAIL_ONLY = {"*": {"push": False}}
HOURLY = {"digests": {"order": Digest("hourly")}, "matrix": MAIL_ONLY}


def order(world, user, number="7"):
    return world.send(user, kind="order", data={"number": number, "what": "is on its way"})


def bucket_of(world, user):
    return world.deliveries(user)["email"].bucket


def letters(world):
    return list(world.mail.letters.values())


def test_a_window_becomes_one_message_with_the_newest_first(world):
    user = world.person(**HOURLY)
    for number in range(3):
        order(world, user, str(number))
        world.clock.advance(seconds=1)
    assert (world.states(user), letters(world), world.unread(user)) == ({"email": "digest"}, [], 3)

    world.later(hours=1)

    (letter,) = letters(world)
    assert letter.subject == "Your orders: 3 new"
    assert [line for line in letter.text.splitlines() if line.startswith("- Order")] == [
        f"- Order {number} is on its way" for number in (2, 1, 0)
    ]


def test_one_item_reads_like_itself(world):
    user = world.person(**HOURLY)
    order(world, user)
    world.later(hours=1)

    assert [letter.subject for letter in letters(world)] == ["Order 7 is on its way"]


def test_what_was_read_is_left_out_and_an_empty_one_is_not_sent(world):
    user, other = world.person(**HOURLY), world.person(**HOURLY)
    order(world, user, "1")
    world.clock.advance(seconds=1)
    order(world, user, "2")
    order(world, other)
    feed.read(world.ports, user, world.feed(user)[0].id)
    feed.read(world.ports, other, world.feed(other)[0].id)

    world.later(hours=1)

    assert [letter.subject for letter in letters(world)] == ["Order 1 is on its way"]


def test_more_than_twenty_are_counted_and_not_named(world):
    user = world.person(**HOURLY)
    for number in range(23):
        order(world, user, str(number))
    world.later(hours=1)

    (letter,) = letters(world)
    assert letter.subject == "Your orders: 23 new" and "+3 more" in letter.text


def test_digest_exactly_one(world):
    """Eight who close one window at once make one message, with everything in it."""
    user = world.person(**HOURLY)
    for number in range(4):
        order(world, user, str(number))
    bucket = bucket_of(world, user)
    world.clock.advance(hours=1)

    together(lambda: digests.close(world.ports, bucket), times=8)
    world.work()
    world.sweep()

    (letter,) = letters(world)
    assert letter.subject == "Your orders: 4 new"


@pytest.mark.parametrize("point", ["notify.closing", "notify.closed"])
def test_whoever_dies_while_closing_is_made_up_for(world, point):
    user = world.person(**HOURLY)
    order(world, user, "1")
    order(world, user, "2")
    bucket = bucket_of(world, user)
    world.clock.advance(hours=1)
    with crash_at(point), pytest.raises(Crash):
        digests.close(world.ports, bucket)

    world.later(minutes=2)
    world.later(minutes=2)

    assert [letter.subject for letter in letters(world)] == ["Your orders: 2 new"]


def test_what_comes_while_a_window_closes_goes_into_this_one_or_the_next(world):
    user = world.person(**HOURLY)
    order(world, user, "0")
    bucket = bucket_of(world, user)
    batches = [world.ask(user, kind="order", data={"number": str(number), "what": "x"}) for number in range(1, 5)]
    bodies = world.waiting()
    world.clock.advance(hours=1)

    together(lambda: digests.close(world.ports, bucket), *(lambda body=body: world.give(body) for body in bodies))
    world.sweep()
    world.later(hours=1)

    told = "".join(letter.subject + letter.text for letter in letters(world))
    assert len(batches) == 4 and all(f"Order {number} " in told for number in range(5))
    assert sum(letter.text.count("- Order") or 1 for letter in letters(world)) == 5


def test_a_change_of_policy_never_yields_both(world):
    user = world.person(**HOURLY)
    order(world, user, "1")
    world.store.people.choose(user, Preferences(matrix=MAIL_ONLY), expect=1)
    order(world, user, "2")
    world.later(hours=1)
    world.later(days=1)

    assert sorted(letter.subject for letter in letters(world)) == ["Order 1 is on its way", "Order 2 is on its way"]


def test_what_waits_for_the_end_of_quiet_hours_may_become_part_of_a_digest_and_comes_once(world):
    quiet = Window(frozenset(range(7)), time(9), time(10))
    user = world.person(windows=(quiet,), matrix=MAIL_ONLY)
    order(world, user)
    world.store.people.choose(user, Preferences(digests={"order": Digest("hourly")}, matrix=MAIL_ONLY), expect=1)

    world.later(minutes=40)
    assert world.states(user) == {"email": "digest"}
    world.later(hours=1)

    assert len(letters(world)) == 1


def test_a_window_that_closes_in_quiet_hours_waits_for_their_end(world):
    quiet = Window(frozenset(range(7)), time(9, 45), time(11, 30))
    user = world.person(windows=(quiet,), tz="UTC", **HOURLY)
    order(world, user)

    world.later(minutes=40)
    assert letters(world) == []
    world.later(hours=2)

    assert len(letters(world)) == 1


def test_what_was_switched_off_meanwhile_is_not_sent(world):
    user = world.person(**HOURLY)
    order(world, user)
    world.store.people.choose(user, Preferences(matrix={"*": {"email": False, "push": False}}), expect=1)
    world.later(hours=1)

    assert (letters(world), world.deliveries(user)["email"].reason) == ([], "off")


def test_cancelling_and_closing_at_once_send_or_cancel(world):
    user = world.person(**HOURLY)
    batch = order(world, user)
    bucket = bucket_of(world, user)
    world.clock.advance(hours=1)

    def cancel():
        world.store.batches.cancel(batch)

    together(cancel, lambda: digests.close(world.ports, bucket), times=2)
    world.sweep()
    world.work()

    counts = send.standing(world.ports, batch)[1]
    assert (len(letters(world)), counts) in [
        (1, {"inapp_sent": 1, "email_sent": 1}),
        (0, {"inapp_sent": 1, "email_cancelled": 1}),
    ]


def test_a_daily_one_closes_at_its_hour_in_the_persons_zone(world):
    user = world.person(tz="America/New_York", digests={"order": Digest("daily", time(8))}, matrix=MAIL_ONLY)
    order(world, user)

    assert world.store.deliveries.bucket(bucket_of(world, user)).closes_at == "2030-03-14T12:00:00.000Z"
    assert clock.rfc3339(clock.now()).startswith("2030-03-14T09:26")
