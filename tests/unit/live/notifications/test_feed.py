"""The feed and its counter, which is never wrong."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.live.notifications.actions import feed
from tessera import ids
from tessera.problems import NotFound
from tests.kit.capacity import CapacityMeter
from tests.kit.faults import Crash, contention, crash_at
from tests.kit.races import outcomes, together


def filled(world, count, user=None):
    user = user or world.person()
    for number in range(count):
        world.send(user, data={"title": f"News {number}"})
        world.clock.advance(seconds=1)
    return user


def naive(world, user):
    return sum(not row.read for row in world.feed(user))


STEPS = st.lists(
    st.tuples(st.sampled_from(["send", "read", "unread", "archive", "all", "seen", "expire"]), st.integers(0, 5)),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_counts_never_drift(world, steps):
    user, known = world.person(), []
    for verb, at in steps:
        world.clock.advance(seconds=1)
        picked = known[at % len(known)] if known else None
        if verb == "send":
            world.send(user)
            known = [row.id for row in [*world.feed(user), *world.feed(user, archived=True)]]
        elif verb == "all":
            feed.read_all(world.ports, user, ids.at(ids.MAX_MILLIS, bytes(10)))
        elif picked and verb == "seen":
            feed.see(world.ports, user, picked)
        elif picked and verb == "expire":
            feed.expire(world.ports, user, picked)
            known = [row.id for row in [*world.feed(user), *world.feed(user, archived=True)]]
        elif picked:
            getattr(feed, verb)(world.ports, user, picked)

        assert world.unread(user) == naive(world, user) == len(world.store.feed.unread(user, 100, None).rows)


def test_read_from_two_tabs_counts_once(world):
    user = filled(world, 2)
    one = world.feed(user)[0].id

    results = together(lambda: feed.read(world.ports, user, one), times=8)

    assert outcomes(results)["ok"] == 8
    assert world.unread(user) == 1


def test_reading_and_archiving_at_once_counts_once(world):
    user = filled(world, 1)
    one = world.feed(user)[0].id

    together(lambda: feed.read(world.ports, user, one), lambda: feed.archive(world.ports, user, one), times=4)

    assert (world.unread(user), world.feed(user)) == (0, [])
    assert [row.id for row in world.feed(user, archived=True)] == [one]


def test_reading_all_and_one_at_once_counts_each_once(world):
    user = filled(world, 12)
    rows = world.feed(user)

    together(
        lambda: feed.read_all(world.ports, user, rows[0].id),
        lambda: feed.read(world.ports, user, rows[3].id),
        lambda: feed.archive(world.ports, user, rows[5].id),
        times=2,
    )

    assert world.unread(user) == 0


def test_what_comes_while_all_is_read_stays_unread(world):
    user = filled(world, 3)
    newest = world.feed(user)[0].id
    filled(world, 1, user)

    assert feed.read_all(world.ports, user, newest) == (3, True)
    assert world.unread(user) == 1


def test_beyond_five_hundred_the_queue_goes_on(world, monkeypatch):
    monkeypatch.setattr(feed, "ROUNDS", 2)
    monkeypatch.setattr(feed, "AT_ONCE", 3)
    user = filled(world, 10)

    assert feed.read_all(world.ports, user, ids.at(ids.MAX_MILLIS, bytes(10))) == (6, False)
    world.work()

    assert world.unread(user) == 0
    assert world.store.people.get(user).read_before


def test_contention_is_retried_without_a_miscount(world):
    user = filled(world, 6)
    rows = world.feed(user)

    with contention(0.5, seed=7) as met:
        for row in rows[:5]:
            feed.read(world.ports, user, row.id)

    assert met[0] > 0 and world.unread(user) == 1


def test_a_crash_between_change_and_poke_loses_nothing(world):
    user = filled(world, 1)
    one = world.feed(user)[0].id

    with crash_at("live.appended"), pytest.raises(Crash):
        feed.read(world.ports, user, one)

    assert world.unread(user) == 0
    assert world.published(user)[-1] == {"kind": "notification.read", "ids": [one]}


def test_bell_recovers_after_drop(world):
    """What the log holds after any position is enough to rebuild the feed: nothing happens beside it."""
    user = filled(world, 3)
    seen = len(world.published(user))
    one, two = (row.id for row in world.feed(user)[:2])
    feed.read(world.ports, user, one)
    feed.archive(world.ports, user, two)
    filled(world, 1, user)

    missed = world.published(user)[seen:]

    assert [said["kind"] for said in missed] == [
        "notification.read",
        "notification.archived",
        "notification.created",
    ]
    assert missed[-1]["notification"]["id"] == world.feed(user)[0].id


def test_an_archived_one_comes_back_unread(world):
    user = filled(world, 1)
    one = world.feed(user)[0].id

    feed.archive(world.ports, user, one)
    feed.archive(world.ports, user, one)
    back = feed.unread(world.ports, user, one)

    assert (back.read, world.unread(user), len(world.feed(user))) == (0, 1, 1)


def test_what_is_never_read_grows_old_and_leaves_the_count(world):
    user = filled(world, 1)

    world.later(days=180, minutes=1)

    assert (world.unread(user), world.feed(user)) == (0, [])


def test_seen_never_goes_back(world):
    user = filled(world, 3)
    newest, middle, _ = (row.id for row in world.feed(user))

    assert feed.see(world.ports, user, middle).unseen == 1
    assert feed.see(world.ports, user, newest).unseen == 0
    assert feed.see(world.ports, user, middle).unseen == 0
    assert feed.counts(world.ports, user).unread == 3


@pytest.mark.parametrize("verb", ["read", "unread", "archive", "get"])
def test_another_persons_notification_is_not_there(world, verb):
    user = filled(world, 1)

    with pytest.raises(NotFound):
        getattr(feed, verb)(world.ports, world.person(), world.feed(user)[0].id)


def test_a_page_costs_the_same_however_many_there_are(world):
    user = filled(world, 12)

    def cost():
        with CapacityMeter() as meter:
            feed.page(world.ports, user, 5, None, unread=False, archived=False, kind=None)
        found = meter.of(world.store.table.name)
        return found.requests, found.read_units

    few = cost()
    filled(world, 40, user)

    assert cost() == few == (1, 1.0)


def test_marking_read_is_one_transaction(world):
    user = filled(world, 1)
    one = world.feed(user)[0].id

    with CapacityMeter() as meter:
        feed.read(world.ports, user, one)

    requests = sum(cost.requests for cost in meter.by_table.values())
    assert requests <= 4, dict(meter.by_table)
