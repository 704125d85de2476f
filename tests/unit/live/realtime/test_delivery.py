"""From the log to the sockets: no gap, nothing twice, the order of the log, whatever comes in between."""

import json
import random

import pytest

from functions.live.realtime.actions import upkeep
from functions.live.realtime.rules.position import MOST_RECOVERED
from functions.live.realtime.store.rows import mark_key, subscribers_key
from tessera import aws, clock, ids
from tessera.due import DueItem
from tessera.live import Live
from tessera.seqlog import HEAD, HeadRow, key_of
from tests.kit.clocks import FakeClock
from tests.kit.faults import Crash, contention, crash_at, meanwhile
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in
from tests.unit.live.realtime.conftest import TOPIC

ANN, BEN = "01HZX3J0V7Q8M4N5P6R7S8T9VA", "01HZX3J0V7Q8M4N5P6R7S8T9VB"


def position(hub, topic=TOPIC):
    head = hub.log.head(topic)
    return {"recover": True, "epoch": head.epoch, "offset": head.off}


def due_of(hub):
    """What the first shard waits for."""
    mark = hub.ports.listeners.mark(TOPIC, 0)
    assert mark.due_pk is not None
    return DueItem(mark.pk, mark.sk, mark.due_pk, mark.due_sk)


def test_who_listens_gets_what_is_published_and_who_is_not_live_yet_waits(hub):
    client = hub.connected(ANN)
    said = client.subscribe()
    hub.publish(TOPIC, {"n": 1})
    assert client.pushes("pub") == []

    hub.work()
    hub.publish(TOPIC, {"n": 2})
    hub.work()

    assert said["offset"] == 0
    assert client.pushes("pub") == [{"data": {"n": 1}, "offset": 1}, {"data": {"n": 2}, "offset": 2}]


def test_what_a_client_publishes_says_who_it_was(hub):
    ann, ben = hub.connected(ANN), hub.connected(BEN)
    ben.subscribe()
    hub.work()

    ann.ask("publish", channel=TOPIC, data="hello")
    hub.work()

    info = {"client": ann.reply["connect"]["client"], "user": ANN}
    assert ben.pushes("pub") == [{"data": "hello", "offset": 1, "info": info}]


def test_a_topic_nobody_hears_wakes_nobody(hub):
    hub.publish(TOPIC, 1)

    assert hub.line.waiting == []


def test_the_second_poke_of_an_entry_is_free(hub):
    client = hub.connected(ANN)
    client.subscribe()
    hub.work()
    hub.publish(TOPIC, 1)
    first = hub.line.count
    Live("realtime", hub.log, hub.line).fanout.poke(TOPIC, 1, 1)

    assert hub.line.count == first


def test_gapfree_join_storm(hub, frozen):
    """Thirty clients join while sixty entries are published, and the queue delivers in any order."""
    dice = random.Random(11)
    clients = [hub.connected(ids.new()) for _ in range(30)]
    waiting = list(clients)
    for number in range(60):
        hub.publish(TOPIC, number)
        if waiting and dice.random() < 0.6:
            joiner = waiting.pop()
            joiner.reply = joiner.subscribe()
        if dice.random() < 0.3:
            hub.work(reordered=dice.random() < 0.5)
    for joiner in waiting:
        joiner.reply = joiner.subscribe()
    hub.publish(TOPIC, "last")
    hub.work()

    for client in clients:
        begins = client.reply["offset"]
        assert client.offsets() == list(range(begins + 1, 62))


def test_recover_after_drop(hub, frozen):
    """Sockets are cut at random while entries are published: what a client has in the end is the log."""
    dice = random.Random(5)
    received, client = [], hub.connected(ANN)
    at = client.subscribe()
    position = {"epoch": at["epoch"], "offset": at["offset"]}
    for number in range(150):
        hub.publish(TOPIC, number)
        if dice.random() < 0.4:
            hub.work()
        if dice.random() < 0.15:
            received += [entry["data"] for entry in client.pushes("pub")]
            offsets = client.offsets()
            position["offset"] = offsets[-1] if offsets else position["offset"]
            client.hang_up()
            client = hub.connected(ANN)
            again = client.subscribe(recover=True, **position)
            assert again["recovered"]
            received += [entry["data"] for entry in again.get("publications", [])]
            if again.get("publications"):
                position["offset"] = again["publications"][-1]["offset"]
    hub.work()
    received += [entry["data"] for entry in client.pushes("pub")]

    assert received == list(range(150))


class Follower:
    """A client as they are: it comes again from where it stands, when its socket or its subscription has ended."""

    def __init__(self, hub, user):
        self.hub, self.user, self.got, self.position = hub, user, [], None
        self._connect()

    def catch_up(self):
        """Take in what was pushed, and come again if that is what it says, or nothing was answered."""
        if self.client.id in self.hub.wire.dropped:
            self._connect()
        ended, self.is_new = self.is_new, False
        for line in self.client.lines()[self.client.read :]:
            self.client.read += 1
            push = line.get("push", {})
            if "unsubscribe" in push:
                ended = True
            elif "pub" in push and not ended:
                self._take(push["pub"])
        if ended:
            again = self.client.subscribe(**({"recover": True, **self.position} if self.position else {}))
            self.client.read = len(self.client.lines())
            if "epoch" not in again:
                self.client.hang_up()
                self._connect()
                return
            self.position = {"epoch": again["epoch"], "offset": again["offset"]}
            for publication in again.get("publications", []):
                self._take(publication)

    def _connect(self):
        self.client, self.is_new = self.hub.connected(self.user), True

    def _take(self, publication):
        self.got.append(publication["offset"])
        self.position["offset"] = publication["offset"]


def test_clients_converge_when_every_message_comes_twice_in_any_order_and_a_third_of_the_posts_fails(hub, frozen):
    dice = random.Random(11)
    followers = [Follower(hub, user) for user in (ANN, BEN, ANN)]
    for follower in followers:
        follower.catch_up()
    hub.work()
    deliver = hub.deliver

    def twice_in_any_order(messages):
        shuffled = [*messages, *messages]
        dice.shuffle(shuffled)
        return deliver(shuffled)

    hub.deliver, hub.wire.fails = twice_in_any_order, lambda: dice.random() < 0.3
    for number in range(120):
        hub.publish(TOPIC, number)
        frozen.advance(seconds=0.01)
        if dice.random() < 0.3:
            hub.work()
            hub.upkeep()
            for follower in followers:
                follower.catch_up()
    hub.wire.fails = lambda: False
    for _ in range(3):
        hub.work()
        hub.upkeep()
        for follower in followers:
            follower.catch_up()

    assert [follower.got for follower in followers] == [list(range(1, 121))] * 3


def test_recovery_names_the_position_asked_from_while_there_is_something_to_replay(hub):
    client = hub.connected(ANN)
    for number in range(5):
        hub.publish(TOPIC, number)
    asked = {**position(hub), "offset": 2}

    said = client.subscribe(**asked)

    assert (said["recovered"], said["was_recovering"], said["offset"]) == (True, True, 2)
    assert [entry["offset"] for entry in said["publications"]] == [3, 4, 5]


def test_nothing_missed_is_recovered_without_publications(hub):
    hub.publish(TOPIC, 1)

    said = hub.connected(ANN).subscribe(**position(hub))

    assert (said["recovered"], said["offset"]) == (True, 1)
    assert "publications" not in said


def test_recover_epoch_changed(hub):
    hub.publish(TOPIC, 1)
    asked = position(hub)
    hub.log.reset(TOPIC)

    said = hub.connected(ANN).subscribe(**asked)

    assert (said["recovered"], said["was_recovering"], said["offset"]) == (False, True, 1)


def test_live_listeners_of_a_log_begun_anew_are_asked_to_come_again(hub):
    client = hub.connected(ANN)
    client.subscribe()
    hub.publish(TOPIC, 1)
    hub.work()
    hub.log.reset(TOPIC)

    hub.publish(TOPIC, 2)
    hub.work()

    assert client.pushes("unsubscribe") == [{"code": 2500, "reason": "insufficient state"}]
    assert client.offsets() == [1]


def test_below_the_floor_nothing_is_recovered(hub):
    for number in range(4):
        hub.publish(TOPIC, number)
    hub.table.update(HeadRow, key_of(TOPIC), HEAD, HeadRow.floor.set(3), bump=False)
    hub.log.forget(TOPIC)
    asked = position(hub)

    assert hub.connected(ANN).subscribe(**{**asked, "offset": 1})["recovered"] is False
    assert hub.connected(BEN).subscribe(**{**asked, "offset": 2})["recovered"] is True


def test_recovery_larger_than_frame(hub):
    for number in range(130):
        hub.publish(TOPIC, [number, "x" * 2_000])
    client = hub.connected(ANN)

    said = client.subscribe(**{**position(hub), "offset": 0})
    hub.work()

    replayed = [entry["offset"] for entry in said["publications"]]
    assert replayed + client.offsets() == list(range(1, 131))
    assert all(len(frame.encode()) <= 96 * 1024 for frame in hub.wire.sent[client.id])


def test_more_than_a_thousand_missed_are_not_replayed(hub):
    hub.publish(TOPIC, 1)
    asked = position(hub)
    hub.table.update(HeadRow, key_of(TOPIC), HEAD, HeadRow.off.set(MOST_RECOVERED + 2), bump=False)
    hub.log.forget(TOPIC)

    assert hub.connected(ANN).subscribe(**asked)["recovered"] is False


def test_out_of_order_pokes(hub):
    client = hub.connected(ANN)
    client.subscribe()
    hub.work()
    for number in range(6):
        hub.publish(TOPIC, number)

    hub.work(reordered=True)

    assert client.offsets() == [1, 2, 3, 4, 5, 6]


def test_worker_crash_mid_page(hub, monkeypatch, frozen):
    """A worker dies after some connections had their entries: nobody misses any, few get one twice."""
    monkeypatch.setattr("functions.live.realtime.actions.deliver.NOTED_AFTER", 5)
    clients = [hub.connected(ids.new()) for _ in range(20)]
    for client in clients:
        client.subscribe()
    hub.work()
    hub.publish(TOPIC, 1)
    waiting, hub.line.waiting = hub.line.waiting, []

    with crash_at("fanout.sent"), pytest.raises(Crash):
        hub.deliver(waiting)
    hub.publish(TOPIC, 2)
    hub.deliver(waiting)
    hub.work()

    for client in clients:
        assert sorted(set(client.offsets())) == [1, 2]
    assert sum(len(client.offsets()) - 2 for client in clients) <= 5


def test_a_worker_that_died_later_goes_on_behind_those_who_have_it(hub, monkeypatch, frozen):
    monkeypatch.setattr("functions.live.realtime.actions.deliver.NOTED_AFTER", 5)
    clients = sorted((hub.connected(ids.new()) for _ in range(20)), key=lambda client: client.id)
    for client in clients:
        client.subscribe()
    hub.work()
    hub.publish(TOPIC, 1)
    waiting, hub.line.waiting = hub.line.waiting, []
    passed = []

    def third(*_):
        passed.append(1)
        if len(passed) == 3:
            raise Crash("third")

    with monkeypatch.context() as patched:
        patched.setattr("functions.live.realtime.actions.deliver.aws.fault_point", third)
        with pytest.raises(Crash):
            hub.deliver(waiting)
    hub.publish(TOPIC, 2)
    hub.deliver(waiting)
    hub.work()

    assert [client.offsets() for client in clients[:10]] == [[1, 2]] * 10
    assert [client.offsets() for client in clients[10:15]] == [[1, 1, 2]] * 5
    assert [client.offsets() for client in clients[15:]] == [[1, 2]] * 5


def test_gone_cleanup(hub):
    gone, there = hub.connected(ANN), hub.connected(BEN)
    gone.subscribe()
    there.subscribe()
    hub.work()
    hub.wire.gone.add(gone.id)

    hub.publish(TOPIC, 1)
    hub.work()

    assert there.offsets() == [1]
    assert hub.ports.connections.get(gone.id) is None
    assert [row.connection for row in hub.ports.listeners.rows(TOPIC, 0)] == [there.id]
    assert hub.ports.listeners.rows(f"user:{ANN}", 0) == []


def test_slow_connection_isolated(hub):
    slow, quick = hub.connected(ANN), hub.connected(BEN)
    slow.subscribe()
    quick.subscribe()
    hub.work()
    hub.wire.slow[slow.id] = 1

    hub.publish(TOPIC, 1)
    hub.work()
    hub.publish(TOPIC, 2)
    hub.work()

    assert quick.offsets() == [1, 2]
    assert slow.offsets() == []
    assert slow.pushes("unsubscribe") == [{"code": 2500, "reason": "insufficient state"}]
    assert slow.subscribe(**{**position(hub), "offset": 0})["recovered"]


def test_a_socket_that_cannot_even_be_told_is_ended(hub):
    """It would listen for ever to what it does not get any more."""
    slow = hub.connected(ANN)
    slow.subscribe()
    hub.work()
    hub.wire.slow[slow.id] = 2

    hub.publish(TOPIC, 1)
    hub.work()

    assert hub.ports.connections.get(slow.id).state == "closing"
    assert "drop" in hub.upkeep()
    assert hub.wire.dropped == [slow.id]
    assert hub.ports.listeners.of_connection(slow.id) == []


def test_a_join_whose_message_never_came_is_asked_again(hub):
    fake = FakeClock()
    with clock.using(fake):
        client, other = hub.connected(ANN), hub.connected(BEN)
        client.subscribe()
        hub.line.waiting.clear()
        fake.advance(seconds=6)
        other.subscribe()
        hub.publish(TOPIC, 1)
        hub.work()

    assert client.pushes("unsubscribe") == [{"code": 2500, "reason": "insufficient state"}]
    assert other.offsets() == [1]


def test_a_join_that_comes_late_is_not_taken_for_the_next_one(hub):
    """The client was asked to come again, has, and was told more by then than the old message knows of."""
    fake = FakeClock()
    with clock.using(fake):
        client, other = hub.connected(ANN), hub.connected(BEN)
        client.subscribe()
        late, hub.line.waiting = hub.line.waiting, []
        for number in range(3):
            hub.publish(TOPIC, number)
        fake.advance(seconds=6)
        other.subscribe()
        hub.work()
        again = client.subscribe(recover=True, epoch=hub.log.head(TOPIC).epoch, offset=0)
        second, hub.line.waiting = hub.line.waiting, [*late]
        hub.work()
        hub.line.waiting = second
        hub.work()

    assert [publication["offset"] for publication in again["publications"]] == [1, 2, 3]
    assert client.offsets() == []


def test_who_comes_again_while_their_join_is_worked_on_misses_nothing(hub):
    """The new reply holds a part of the log, so the rest is for the new join to bring."""
    fake = FakeClock()
    with clock.using(fake):
        for number in range(10):
            hub.publish(TOPIC, [number, "x" * 15_000])
        client, again = hub.connected(ANN), []
        client.subscribe()

        def come_again():
            fake.advance(seconds=1)
            client.ask("unsubscribe", channel=TOPIC)
            again.append(client.subscribe(**{**position(hub), "offset": 0}))

        with meanwhile("UpdateItem", come_again, key=subscribers_key(TOPIC, 0)):
            hub.work()

    replayed = [publication["offset"] for publication in again[0]["publications"]]
    assert 0 < len(replayed) < 10
    assert replayed + client.offsets() == list(range(1, 11))


def test_a_delivery_that_was_overtaken_takes_nobody_back(hub):
    client = hub.connected(ANN)
    client.subscribe()
    hub.work()
    hub.publish(TOPIC, 1)
    slow, hub.line.waiting = hub.line.waiting, []

    def overtake():
        hub.publish(TOPIC, 2)
        hub.work()

    with meanwhile("UpdateItem", overtake, key=mark_key(TOPIC, 0)):
        hub.deliver(slow)
    hub.publish(TOPIC, 3)
    hub.work()

    # Both sent the first entry, and nothing after it comes twice.
    assert client.offsets() == [1, 1, 2, 3]


def test_disconnect_during_join(hub):
    client = hub.connected(ANN)
    client.subscribe()
    client.hang_up()

    hub.work()

    assert hub.ports.listeners.rows(TOPIC, 0) == []
    assert hub.ports.connections.get(client.id) is None


def test_unsubscribing_ends_it_once(hub):
    client = hub.connected(ANN)
    client.subscribe()
    hub.work()

    assert client.ask("unsubscribe", channel=TOPIC)["unsubscribe"] == {}
    assert client.ask("unsubscribe", channel=TOPIC)["unsubscribe"] == {}
    hub.publish(TOPIC, 1)
    hub.work()

    assert client.offsets() == []
    assert int(hub.ports.connections.get(client.id).n_subs) == 0


def test_five_threads_end_a_subscription_once(hub):
    client = hub.connected(ANN)
    client.subscribe()
    hub.work()

    results = together(lambda: hub.ports.listeners.remove(TOPIC, 0, client.id) is not None, times=5)

    assert sorted(result.value for result in results) == [False] * 4 + [True]
    assert int(hub.ports.listeners.mark(TOPIC, 0).listeners) == 0


def test_who_asked_for_it_hears_of_who_joins_and_leaves(hub):
    ann = hub.connected(ANN)
    ann.subscribe(join_leave=True)
    hub.work()
    ben = hub.connected(BEN)
    ben.subscribe()
    hub.work()
    ben.hang_up()
    hub.work()

    info = {"client": ben.reply["connect"]["client"], "user": BEN}
    assert ann.pushes("join") == [{"info": info}]
    assert ann.pushes("leave") == [{"info": info}]
    assert ben.pushes("join") == []


def test_what_is_not_kept_reaches_who_is_live_and_has_no_offset(hub):
    client = hub.connected(ANN)
    client.subscribe()
    hub.work()

    Live("realtime", hub.log, hub.line).tell(TOPIC, {"x": 1})
    hub.work()

    assert client.pushes("pub") == [{"data": {"x": 1}}]
    assert hub.log.head(TOPIC).off == 0


def test_a_failed_message_holds_back_its_own_group_only(hub):
    """The queue delivers what failed again, and nothing behind it may overtake."""
    bad = json.dumps({"kind": "poke", "data": {"topic": TOPIC}, "trace": ""})
    good = json.dumps({"kind": "poke", "data": {"topic": "demo:x", "shard": 0}, "trace": ""})

    assert hub.deliver([("a", bad), ("b", good), ("a", good)]) == [bad, good]


def test_subscribers_are_read_again_only_when_they_changed(hub):
    client = hub.connected(ANN)
    client.subscribe()
    hub.work()
    hub.publish(TOPIC, 1)
    hub.work()
    hub.publish(TOPIC, 2)
    asked = []

    def note(service, name, parameters):
        if name == "Query":
            asked.append(repr(parameters["ExpressionAttributeValues"]))

    with aws.intercepted(note):
        hub.work()

    assert [text for text in asked if "SUB#" in text] == []
    assert len([text for text in asked if "LOG#" in text]) == 1


def test_a_topic_that_grows_gets_more_shards_and_everybody_still_hears(hub, monkeypatch, frozen):
    monkeypatch.setattr("functions.live.realtime.actions.subscribe.MOST_PER_SHARD", 4)
    clients = []
    for _ in range(24):
        client = hub.connected(ids.new())
        client.reply = client.subscribe()
        clients.append(client)
    hub.work()

    hub.publish(TOPIC, 1)
    hub.work()

    assert hub.log.head(TOPIC).shards > 1
    assert [client.offsets() for client in clients] == [[1]] * 24


def test_a_topic_unheard_for_long_falls_silent_and_is_heard_again(hub):
    fake = FakeClock()
    with clock.using(fake):
        client = hub.connected(ANN)
        client.subscribe()
        hub.work()
        client.ask("unsubscribe", channel=TOPIC)
        fake.advance(minutes=11)
        due = due_of(hub)
        hub.work()
        upkeep.come_due(hub.ports, due)
        hub.publish(TOPIC, 1)
        assert hub.line.waiting == []

        said = client.subscribe()
        hub.publish(TOPIC, 2)
        hub.work()

    assert (said["offset"], client.offsets()) == (1, [2])


def test_a_topic_somebody_joins_at_that_moment_does_not_fall_silent(hub):
    fake = FakeClock()
    with clock.using(fake):
        client, other = hub.connected(ANN), hub.connected(BEN)
        client.subscribe()
        hub.work()
        client.ask("unsubscribe", channel=TOPIC)
        due = due_of(hub)
        with meanwhile("TransactWriteItems", other.subscribe):
            upkeep.come_due(hub.ports, due)
        hub.publish(TOPIC, 1)
        hub.work()

    assert other.offsets() == [1]
    assert hub.ports.listeners.mark(TOPIC, 0).due_pk is None


def test_a_topic_left_again_while_it_stays_awake_falls_silent_later(hub):
    fake = FakeClock()
    with clock.using(fake):
        client = hub.connected(ANN, exp=int(fake.now().timestamp()) + 86_400)
        client.subscribe()
        hub.work()
        client.ask("unsubscribe", channel=TOPIC)
        first = due_of(hub)
        fake.advance(minutes=5)
        client.subscribe()
        hub.work()
        fake.advance(minutes=6)
        with meanwhile("UpdateItem", lambda: client.ask("unsubscribe", channel=TOPIC), key=mark_key(TOPIC, 0)):
            upkeep.come_due(hub.ports, first)
        fake.advance(minutes=11)
        upkeep.come_due(hub.ports, due_of(hub))

    assert hub.log.head(TOPIC).shards == 0


def test_joins_at_once_are_all_counted(hub):
    clients = [hub.connected(ids.new()) for _ in range(8)]

    results = together(*[client.subscribe for client in clients])

    assert outcomes(results) == {"ok": 8}
    assert int(hub.ports.listeners.mark(TOPIC, 0).listeners) == 8


def test_parallel_frames(hub):
    """Other clients send each subscription in a frame of its own, all at once, and all of them touch one item."""
    client = hub.connected(ANN)
    frames = [{"id": 10 + number, "subscribe": {"channel": f"demo:{number}"}} for number in range(66)]

    with contention(0.1, seed=7):
        together(*[lambda frame=frame: client.send(frame) for frame in frames])

    errors = [line["error"]["code"] for line in client.lines() if line.get("id", 0) >= 10 and "error" in line]
    assert errors == [106, 106]
    assert int(hub.ports.connections.get(client.id).n_subs) == 64


def test_a_row_stands_for_one_topic_of_one_connection(hub):
    client = hub.connected(ANN)
    frames = [{"id": 10 + number, "subscribe": {"channel": TOPIC}} for number in range(6)]

    together(*[lambda frame=frame: client.send(frame) for frame in frames])

    answers = sorted("error" in line for line in client.lines() if line.get("id", 0) >= 10)
    assert answers == [False] + [True] * 5
    rows = [row for row in everything_in(hub.table) if row["pk"]["S"] == subscribers_key(TOPIC, 0)]
    assert len(rows) == 1
    assert int(hub.ports.connections.get(client.id).n_subs) == 1


def test_two_joins_in_one_millisecond_are_two(hub, frozen):
    ann, ben = hub.connected(ANN), hub.connected(BEN)
    ann.subscribe()
    ben.subscribe()
    hub.work()
    hub.publish(TOPIC, 1)
    hub.work()

    assert (ann.offsets(), ben.offsets()) == ([1], [1])
