"""From a request to each person's feed and deliveries."""

from datetime import timedelta

import pytest

from functions.live.notifications.actions import expand, feed, send
from functions.live.notifications.actions.telling import ACTIONS_AT_ONCE
from functions.live.notifications.rules.kinds import Digest
from functions.live.notifications.rules.problems import BatchSent, DataInvalid, UnknownType
from tessera import clock, ids
from tessera.live import user_topic
from tessera.problems import NotFound
from tessera.seqlog import Entry, SeqLog
from tests.kit.capacity import CapacityMeter
from tests.kit.faults import Crash, contention, crash_at, meanwhile
from tests.kit.races import outcomes, together

ALL_OFF = {"*": dict.fromkeys(("inapp", "email", "sms", "push", "webhook"), False)}


def test_everybody_is_told_once_in_the_feed_and_by_mail(world):
    people = [world.person() for _ in range(3)]

    batch = world.send(*people, kind="order", data={"number": "7", "what": "is on its way"})

    for user in people:
        assert [row.title for row in world.feed(user)] == ["Order 7 is on its way"]
        assert world.states(user) == {"email": "sent", "push": "skipped"}
    assert world.counts(batch) == {"inapp_sent": 3, "email_sent": 3, "push_skipped": 3}
    assert len(world.mail.letters) == 3


@pytest.mark.parametrize(
    ("given", "problem"),
    [({"kind": "nothing"}, UnknownType), ({"kind": "order", "data": {"nubmer": "1"}}, DataInvalid)],
)
def test_what_does_not_fit_a_type_is_refused(world, given, problem):
    with pytest.raises(problem):
        world.ask(world.person(), **given)


def test_a_page_that_is_gone_through_again_tells_nobody_twice(world):
    people = [world.person() for _ in range(4)]
    batch = world.ask(*people, dedupe_key="k")
    bodies = world.waiting()

    with crash_at("notify.told", times=2), pytest.raises(Crash):
        world.give(*bodies)
    with crash_at("notify.told"), pytest.raises(Crash):
        world.give(*bodies)
    world.give(*bodies)
    world.give(*bodies)

    assert [len(world.feed(user)) for user in people] == [1, 1, 1, 1]
    assert [int(world.feed(user)[0].count) for user in people] == [1, 1, 1, 1]
    assert world.counts(batch) == {"inapp_sent": 4}


def test_two_workers_on_one_page_tell_everybody_once(world):
    people = [world.person() for _ in range(5)]
    batch = world.ask(*people)

    together(lambda: expand.expand(world.ports, batch, 0), times=4)

    assert [world.unread(user) for user in people] == [1] * 5
    assert world.counts(batch) == {"inapp_sent": 5}
    assert world.store.batches.get(batch).expanded == 1


def test_a_lost_message_is_made_up_for(world):
    user = world.person()
    batch = world.ask(user)
    world.waiting()

    world.later(minutes=2)

    assert world.unread(user) == 1
    assert world.store.batches.get(batch).due_pk is None


def test_what_is_for_later_waits(world):
    user = world.person()
    world.send(user, send_at=clock.now() + timedelta(hours=2))
    assert world.unread(user) == 0

    world.later(hours=1)
    assert world.unread(user) == 0
    world.later(hours=1, minutes=1)

    assert world.unread(user) == 1


def test_who_is_not_known_is_counted_and_keeps_nobody_else_back(world):
    people = [world.person() for _ in range(3)]

    batch = world.send(*people, ids.new(), ids.new())

    assert world.counts(batch) == {"inapp_sent": 3, "skip_unknown": 2}


def test_the_actor_is_not_told_of_what_they_did(world):
    actor, other = world.person(), world.person()

    batch = world.send(actor, other, actor_id=actor)

    assert (world.unread(actor), world.unread(other)) == (0, 1)
    assert world.counts(batch) == {"inapp_sent": 1, "skip_self": 1}


def test_who_is_muted_is_not_heard_unless_it_is_critical(world):
    actor = world.person()
    user = world.person(muted_actors=frozenset([actor]))

    world.send(user, actor_id=actor)
    world.send(user, actor_id=actor, priority="critical")

    assert world.unread(user) == 1


def test_who_wants_nothing_gets_nothing(world):
    user = world.person(matrix=ALL_OFF)

    batch = world.send(user)

    assert (world.unread(user), world.counts(batch)) == (0, {"skip_off": 1})


def test_without_the_feed_mails_still_come(world):
    user = world.person(matrix={"order": {"inapp": False}})

    world.send(user, kind="order", data={"number": "1", "what": "x"})

    assert (world.unread(user), world.feed(user)) == (0, [])
    assert world.states(user)["email"] == "sent"


def test_a_subset_of_channels_is_kept_to(world):
    user = world.person()

    world.send(user, kind="order", channels=["email"])

    assert (world.unread(user), set(world.states(user))) == (0, {"email"})


def test_what_has_expired_is_told_to_nobody(world):
    user = world.person()
    batch = world.ask(user, expires_at=clock.now() + timedelta(minutes=1))
    world.clock.advance(minutes=2)
    world.work()

    assert world.counts(batch) == {"skip_expired": 1}


def test_the_same_dedupe_key_twenty_times_makes_one(world):
    user = world.person()
    batches = [
        world.ask(user, kind="social", dedupe_key="liked:1", data={"name": "Bo", "what": "likes it"}) for _ in range(20)
    ]
    world.waiting()

    results = together(*(lambda batch=batch: expand.expand(world.ports, batch, 0) for batch in batches))
    world.later(minutes=5)

    row = world.feed(user)[0]
    assert set(outcomes(results)) <= {"ok", "busy", "log-contended"}
    assert (len(world.feed(user)), world.unread(user), int(row.count)) == (1, 1, 20)
    assert row.title == "Bo and 19 more likes it"
    assert sum(world.counts(batch).get("inapp_sent", 0) for batch in batches) == 1


def test_a_type_that_is_told_once_stays_silent_for_a_day(world):
    user = world.person()
    for _ in range(2):
        world.send(user, dedupe_key="k")
    feed.read_all(world.ports, user, world.feed(user)[0].id)
    batch = world.send(user, dedupe_key="k")
    assert (world.unread(user), world.counts(batch)) == (0, {"skip_duplicate": 1})

    world.clock.advance(hours=25)
    world.send(user, dedupe_key="k")

    assert world.unread(user) == 1


def test_a_group_that_was_read_begins_anew(world):
    user, data = world.person(), {"name": "Bo", "what": "likes it"}
    world.send(user, kind="social", dedupe_key="k", data=data)
    feed.read_all(world.ports, user, world.feed(user)[0].id)
    world.clock.advance(seconds=1)
    world.send(user, kind="social", dedupe_key="k", data=data)

    assert (world.unread(user), len(world.feed(user))) == (1, 2)


def test_what_has_not_left_says_what_is_newest(world):
    user = world.person(digests={"social": Digest("hourly")}, matrix={"social": {"email": True, "push": False}})
    for name in ("Ann", "Bo"):
        world.send(user, kind="social", dedupe_key="k", data={"name": name, "what": "likes it"})
    world.later(hours=1)

    (letter,) = world.mail.letters.values()
    assert letter.subject == "Bo and 1 more likes it"


def test_the_subscribers_of_a_topic_are_told_page_by_page(world, monkeypatch):
    monkeypatch.setattr(expand, "SUBSCRIBERS_AT_ONCE", 100)
    people = [world.person() for _ in range(130)]
    for start in range(0, 130, 50):
        world.store.topics.add("public.news", people[start : start + 50])

    batch = world.send(topic="public.news")

    row = world.store.batches.get(batch)
    assert world.counts(batch) == {"inapp_sent": 130}
    assert (int(row.recipients), int(row.pages), row.is_expanded) == (130, 3, True)


def test_a_plan_that_is_cut_short_is_gone_on_with(world, monkeypatch):
    monkeypatch.setattr(expand, "SUBSCRIBERS_AT_ONCE", 50)
    people = [world.person() for _ in range(60)]
    world.store.topics.add("public.news", people[:50])
    world.store.topics.add("public.news", people[50:])
    batch = world.ask(topic="public.news")
    with crash_at("notify.planned"), pytest.raises(Crash):
        world.give(*world.waiting())

    world.later(minutes=2)
    world.later(minutes=10)

    assert world.counts(batch) == {"inapp_sent": 60}


def test_cancelling_keeps_back_what_has_not_left(world):
    people = [world.person() for _ in range(3)]
    batch = world.ask(*people, send_at=clock.now() + timedelta(hours=1))

    world.store.batches.cancel(batch)
    world.later(hours=1, minutes=2)

    assert [world.unread(user) for user in people] == [0, 0, 0]


def test_cancelling_after_all_has_left_is_refused(world):
    batch = world.send(world.person())

    with pytest.raises(BatchSent):
        send.cancel(world.ports, batch)
    with pytest.raises(NotFound):
        send.cancel(world.ports, ids.new())


def test_cancel_race(world):
    """Each mail is either sent or counted as cancelled, and never both."""
    people = [world.person() for _ in range(12)]
    batch = world.ask(*people, kind="order", channels=["email"])
    world.give(*world.waiting())
    bodies = world.waiting("email")
    assert len(bodies) == 12

    def cancel():
        try:
            send.cancel(world.ports, batch)
        except BatchSent:
            return

    together(cancel, *(lambda body=body: world.give(body) for body in bodies))
    world.sweep()

    counts = world.counts(batch)
    assert counts.get("email_sent", 0) == len(world.mail.letters) == world.mail.calls
    assert counts.get("email_sent", 0) + counts.get("email_cancelled", 0) == 12
    assert set(counts) <= {"email_sent", "email_cancelled"}


def test_a_cancelled_batch_shows_so_at_once_and_its_worker_agrees(world):
    user = world.person(digests={"*": Digest("daily")})
    batch = world.send(user, kind="order", channels=["email"])

    _, shown = send.cancel(world.ports, batch)
    world.later(days=1)

    assert shown == {"email_cancelled": 1} == world.counts(batch)
    assert world.mail.letters == {}


def test_where_the_logs_of_a_page_stand_is_read_at_once(world):
    people = [world.person() for _ in range(10)]
    batch = world.ask(*people)

    with CapacityMeter() as meter:
        expand.expand(world.ports, batch, 0)

    logs = meter.of(world.ports.live.log.table.name).operations
    assert "GetItem" not in logs and logs.count("BatchGetItem") == 1
    assert [len(world.feed(user)) for user in people] == [1] * 10


def test_telling_one_person_costs_one_transaction(world):
    user = world.person()
    world.send(user)
    batch = world.ask(user)

    with CapacityMeter() as meter:
        expand.expand(world.ports, batch, 0)

    cost = meter.of(world.store.table.name)
    assert cost.operations.count("TransactWriteItems") == 2
    # The batch, its page, both halves of the person, what is left at the end; and the page that is done.
    assert cost.requests <= 8, cost.operations


# In the feed: its row, the count, and the head and the entry of a log.
TOLD_TOGETHER = ACTIONS_AT_ONCE // 4


def test_a_page_of_fifty_costs_ten_requests_and_each_person_no_more_than_six_units(world):
    people = [world.person() for _ in range(50)]
    world.send(*people, kind="order", channels=["inapp"])
    log = world.ports.live.log.table.name

    def cost(*channels):
        batch = world.ask(*people, kind="order", channels=channels)
        world.waiting()
        with CapacityMeter() as meter:
            expand.expand(world.ports, batch, 0)
        own, logs = meter.of(world.store.table.name), meter.of(log)
        return own.requests, logs.requests, own.item_units / 50, logs.item_units / 50

    requests, looks, units, appended = cost("inapp")

    # The batch, its page, the people, three times some of them, the page that is done, what is left of the batch, and
    # that it is nothing; besides, where the logs stand.
    assert (requests, looks) == (9, 1)
    # A row of the feed and the count; the batch counts once for all of a transaction.
    assert 4 < units < 4.3 and appended == 4
    assert cost("inapp", "email")[2] - units == pytest.approx(2, abs=0.1)
    assert cost("inapp", "email", "push")[2] - units == pytest.approx(4, abs=0.1)


def test_what_is_in_the_way_of_one_keeps_nobody_else_from_being_told(world):
    people = [world.person() for _ in range(20)]
    given = {"kind": "social", "dedupe_key": "k", "channels": ["inapp"]}
    world.send(people[3], **given, data={"name": "Ann", "what": "likes it"})
    batch = world.ask(*people, **given, data={"name": "Bo", "what": "likes it"})

    def somebody_else() -> None:
        SeqLog(world.ports.live.log.table).append(user_topic(people[7]), [Entry({"kind": "badge"})])

    with meanwhile("TransactWriteItems", somebody_else):
        expand.expand(world.ports, batch, 0)

    assert [world.unread(user) for user in people] == [1] * 20
    assert [int(world.feed(user)[0].count) for user in people] == [2 if user == people[3] else 1 for user in people]
    assert world.counts(batch) == {"inapp_sent": 19, "skip_grouped": 1}
    assert [one.get("kind") for one in world.published(people[7])] == ["badge", "notification.created"]


def test_a_page_that_meets_others_all_the_time_is_told_once(world):
    people = [world.person() for _ in range(30)]
    batch = world.ask(*people)

    with contention(0.4, seed=3) as met:
        world.work()

    assert met[0] > 0
    assert [world.unread(user) for user in people] == [1] * 30
    assert world.counts(batch) == {"inapp_sent": 30}


def test_a_batch_that_is_cancelled_between_two_transactions_tells_those_of_the_first_alone(world):
    people = [world.person() for _ in range(TOLD_TOGETHER * 2)]
    batch = world.ask(*people)

    with meanwhile("notify.told", lambda: send.cancel(world.ports, batch)):
        world.work()

    assert [world.unread(user) for user in people] == [1] * TOLD_TOGETHER + [0] * TOLD_TOGETHER
    assert world.counts(batch)["inapp_sent"] == TOLD_TOGETHER
