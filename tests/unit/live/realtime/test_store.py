"""What each condition of the store is for, asked of the store itself."""

import pytest

from functions.live.realtime.events import UserOffline, UserOnline
from functions.live.realtime.identities import NOBODY
from functions.live.realtime.store.connections import Connections, Identity
from functions.live.realtime.store.listeners import Listeners
from functions.live.realtime.store.online import Online
from functions.live.realtime.store.rows import SubscriptionRow, held_key, subscribers_key
from tessera import clock
from tessera.seqlog import SeqLog
from tessera.tables import ConditionFailed
from tests.kit.faults import before_call

TOPIC = "demo:store"
ANN = Identity("ann", "s1", "", None)


@pytest.fixture
def table(table_of):
    return table_of("Realtime")


@pytest.fixture
def connections(table):
    made = Connections(table)
    made.open("one", "203.0.113.9", None)
    return made


def ready(connections, identity=ANN):
    return connections.make_ready(connections.get("one"), "client", identity, 4)


def listener(connection, shard=0):
    return SubscriptionRow(
        pk=subscribers_key(TOPIC, shard),
        sk=connection,
        state="joining",
        topic=TOPIC,
        shard=shard,
        client=connection,
        born=clock.millis(),
        gs1_pk=held_key(connection),
        gs1_sk=TOPIC,
    )


def test_a_connection_begins_once(connections):
    seen = connections.get("one")
    ready(connections)

    with pytest.raises(ConditionFailed):
        connections.make_ready(seen, "another", ANN, 4)


def test_a_token_extends_what_is_open_and_ones_own(connections):
    ready(connections)
    connections.extend("one", ANN)
    with pytest.raises(ConditionFailed):
        connections.extend("one", Identity("ben", "s1", "", None))

    connections.close("one")
    with pytest.raises(ConditionFailed):
        connections.extend("one", ANN)


def test_only_what_is_ready_takes_a_place(connections):
    with pytest.raises(ConditionFailed):
        connections.take_place("one", 64)
    ready(connections)
    connections.take_place("one", 64)
    connections.close("one")

    with pytest.raises(ConditionFailed):
        connections.take_place("one", 64)


def test_places_are_never_fewer_than_none(connections):
    ready(connections, NOBODY)
    connections.take_place("one", 64)
    for _ in range(3):
        connections.free_place("one")

    assert int(connections.get("one").n_subs) == 0


def test_a_listener_is_counted_once(table):
    listeners = Listeners(table)
    listeners.add(listener("one"))

    with pytest.raises(ConditionFailed):
        listeners.add(listener("one"))
    assert int(listeners.mark(TOPIC, 0).listeners) == 1


def test_a_delivery_that_was_overtaken_notes_nothing(table):
    listeners = Listeners(table)
    listeners.add(listener("one"))
    listeners.move(TOPIC, 0, "epoch", off=0, to=5)

    with pytest.raises(ConditionFailed):
        listeners.progress(TOPIC, 0, off=0, to=3, after="one")
    assert listeners.mark(TOPIC, 0).to is None


def test_who_goes_live_does_so_once(table):
    """What is told of it is told once too, however often the message comes."""
    listeners = Listeners(table)
    row = listener("one")
    listeners.add(row)

    assert [listeners.make_live(row, 5) for _ in range(2)] == [True, False]


def test_a_topic_that_somebody_joins_as_the_last_one_leaves_waits_for_no_silence(table):
    listeners = Listeners(table)
    listeners.add(listener("last"))

    # The row goes, the mark is told, and then the mark is to wait.
    with before_call(3, lambda: listeners.add(listener("late"))) as called:
        listeners.remove(TOPIC, 0, "last")

    mark = listeners.mark(TOPIC, 0)
    assert called == ["DeleteItem", "UpdateItem", "UpdateItem"]
    assert (int(mark.listeners), mark.due_pk) == (1, None)


class Silent:
    """A topic on two shards that nobody listens to any more."""

    def __init__(self, table):
        self.log, self.listeners = SeqLog(table), Listeners(table)
        for shard in (0, 1):
            self.listeners.add(listener(f"c{shard}", shard))
            self.listeners.remove(TOPIC, shard, f"c{shard}")
        self.log.listen(TOPIC, 2)
        self.head, self.marks = self.log.head(TOPIC), [self.listeners.mark(TOPIC, shard) for shard in (0, 1)]

    def falls(self):
        # The two wait for times of their own, so only the first is the one that came due.
        self.marks[1].due_pk = "DUE#another"
        return self.listeners.fall_silent(TOPIC, self.head, self.marks, self.marks[0].due_pk)


def test_a_topic_falls_silent_on_all_its_shards(table):
    silent = Silent(table)

    assert silent.falls()
    assert silent.log.head(TOPIC).shards == 0


@pytest.mark.parametrize("shard", [0, 1])
def test_a_topic_that_somebody_joined_on_any_shard_stays_awake(table, shard):
    silent = Silent(table)
    silent.listeners.add(listener("late", shard))

    assert not silent.falls()
    assert silent.log.head(TOPIC).shards == 2


def test_a_topic_that_has_grown_meanwhile_stays_awake(table):
    silent = Silent(table)
    silent.log.listen(TOPIC, 4)

    assert not silent.falls()
    assert silent.log.head(TOPIC).shards == 4


def test_coming_and_going_are_told_once_and_in_turn(table):
    online = Online(table)
    with pytest.raises(ConditionFailed):
        online.become("ann", False, UserOffline(user_id="ann"))
    online.become("ann", True, UserOnline(user_id="ann"))
    with pytest.raises(ConditionFailed):
        online.become("ann", True, UserOnline(user_id="ann"))
    online.become("ann", False, UserOffline(user_id="ann"))
    with pytest.raises(ConditionFailed):
        online.become("ann", False, UserOffline(user_id="ann"))
