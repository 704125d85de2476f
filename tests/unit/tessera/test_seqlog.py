import pytest

from tessera import aws, clock
from tessera import transact as transact_module
from tessera.due import DueItem
from tessera.expressions import is_new
from tessera.fanout import Fanout
from tessera.live import Live, NotItsTopic, user_topic
from tessera.namespaces import UnknownTopic, may_append, namespace_of
from tessera.problems import Problem
from tessera.seqlog import HEAD, Entry, HeadRow, LogContended, SeqLog, heads, key_of
from tessera.seqlog.log import GRACE_SECONDS
from tessera.tables import Row
from tessera.transact import putting
from tests.kit.clocks import FakeClock
from tests.kit.faults import Crash, answer_lost, contention, crash_at, failing
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in

TOPIC = "demo:one"


@pytest.fixture
def log(table_of):
    return SeqLog(table_of("Realtime"))


def texts(log, topic=TOPIC, after=0):
    return [(entry.offset, entry.data) for entry in log.read(topic, after, 10_000)]


def test_offsets_begin_at_one_and_have_no_holes(log):
    first = log.append(TOPIC, [Entry("a")])
    more = log.append(TOPIC, [Entry("b"), Entry("c")])

    assert (first.first, first.last, more.first, more.last) == (1, 1, 2, 3)
    assert first.epoch == more.epoch
    assert texts(log) == [(1, '"a"'), (2, '"b"'), (3, '"c"')]


def test_many_writers_leave_a_dense_log_and_lose_nothing(table_of):
    table = table_of("Realtime")
    logs = [SeqLog(table) for _ in range(16)]

    def write(log):
        for number in range(5):
            while True:
                try:
                    log.append(TOPIC, [Entry([id(log), number])])
                    break
                except LogContended:
                    continue

    results = together(*[lambda log=log: write(log) for log in logs])

    assert outcomes(results) == {"ok": 16}
    found = SeqLog(table).read(TOPIC, 0, 1_000)
    assert [entry.offset for entry in found] == list(range(1, 81))
    assert len({entry.data for entry in found}) == 80


def test_a_log_under_contention_answers_503_and_never_writes_half(log):
    with contention(1.0, seed=1), pytest.raises(LogContended) as refused:
        log.append(TOPIC, [Entry("a")])

    assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "1")
    assert everything_in(log.table) == []


def test_a_conflict_now_and_then_costs_a_look_and_loses_nothing(log):
    with contention(0.4, seed=7) as met:
        for number in range(10):
            log.append(TOPIC, [Entry(number)])

    assert met[0] > 0
    assert [data for _, data in texts(log)] == [str(number) for number in range(10)]


class Taken(Problem):
    status, slug, title = 409, "taken", "Taken"


def test_an_append_whose_answer_never_came_is_looked_for_and_not_done_twice(log, monkeypatch):
    log.append(TOPIC, [Entry("a")])
    # As after a read that has timed out: there is no time for another try.
    monkeypatch.setattr(transact_module, "BUDGET_SECONDS", 0)

    with answer_lost("TransactWriteItems"):
        appended = log.append(TOPIC, [Entry("b"), Entry("c")])

    assert (appended.first, appended.last) == (2, 3)
    assert texts(log) == [(1, '"a"'), (2, '"b"'), (3, '"c"')]


def test_the_callers_own_steps_happen_with_it_or_neither_does(log):
    def also(placed):
        return [putting(log.table, Row(pk="ROW", sk=str(placed.first)), only_if=Row.pk.does_not_exist(), refused=Taken)]

    log.append(TOPIC, [Entry("a")], also=also)
    log.table.put(Row(pk="ROW", sk="2"))
    with pytest.raises(Taken):
        log.append(TOPIC, [Entry("b")], also=also)

    assert texts(log) == [(1, '"a"')]


def test_a_warm_append_is_one_request_and_a_stale_one_two(table_of):
    table = table_of("Realtime")
    mine, other = SeqLog(table), SeqLog(table)
    mine.append(TOPIC, [Entry("a")])

    with aws.metered() as warm:
        mine.append(TOPIC, [Entry("b")])
    other.append(TOPIC, [Entry("c")])
    with aws.metered() as stale:
        mine.append(TOPIC, [Entry("d")])

    assert warm.operations == ["TransactWriteItems"]
    assert stale.operations == ["TransactWriteItems", "TransactWriteItems"]
    assert [data for _, data in texts(mine)] == ['"a"', '"b"', '"c"', '"d"']


def test_logs_that_were_looked_at_together_are_appended_to_without_a_look(table_of):
    table = table_of("Realtime")
    topics = [f"demo:{number}" for number in range(5)]
    SeqLog(table).append(topics[0], [Entry("before")])
    log, called = SeqLog(table), []

    with aws.intercepted(lambda service, name, parameters: called.append(name)):
        log.look_at(topics)
        made = [log.append(topic, [Entry("x")]).last for topic in topics]

    assert called == ["BatchGetItem", *["TransactWriteItems"] * 5]
    assert made == [2, 1, 1, 1, 1]


def test_erased_content_leaves_its_offset(log):
    log.append(TOPIC, [Entry("secret", {"kind": "x"}, {"user": "u"}), Entry("kept")])

    log.erase(TOPIC, 1)
    log.erase(TOPIC, 99)

    erased, kept = log.read(TOPIC, 0, 10)
    assert (erased.offset, erased.data, erased.tags, erased.info) == (1, "null", '{"erased":"1"}', None)
    assert kept.data == '"kept"'


def test_a_listener_and_an_append_cannot_miss_each_other(table_of):
    table = table_of("Realtime")
    writer, hub = SeqLog(table), SeqLog(table)
    writer.append(TOPIC, [Entry("a")])

    hub.listen(TOPIC, 1)
    appended = writer.append(TOPIC, [Entry("b")])

    assert appended.shards == 1
    assert [entry.poke for entry in writer.read(TOPIC, 0, 10)] == [None, "1"]


def test_listening_never_takes_shards_away(log):
    assert log.listen(TOPIC, 4).shards == 4
    assert log.listen(TOPIC, 2).shards == 4
    assert log.listen(TOPIC, 8).shards == 8


def test_the_floor_follows_the_length_a_namespace_keeps(log):
    longest = namespace_of("user:a").max_entries
    head = log.append("user:a", [Entry(0)])
    log.table.update(HeadRow, key_of("user:a"), HEAD, HeadRow.off.set(longest), bump=False)
    log.forget("user:a")

    log.append("user:a", [Entry(1), Entry(2)])

    assert head.last == 1
    assert log.head("user:a").floor == 3


def test_trimming_moves_the_floor_over_what_is_old_and_waits_for_the_rest(log):
    age = namespace_of(TOPIC).max_age_seconds
    fake = FakeClock()
    with clock.using(fake):
        log.append(TOPIC, [Entry("old"), Entry("old too")])
        fake.advance(seconds=age - 60)
        log.append(TOPIC, [Entry("young")])
        fake.advance(seconds=61)
        seen = log.table.get(HeadRow, key_of(TOPIC), HEAD).due_pk

        log.trim(TOPIC, "DUE#another")
        assert log.head(TOPIC).floor == 1
        log.trim(TOPIC, seen)

        row = log.table.get(HeadRow, key_of(TOPIC), HEAD)
        assert int(row.floor) == 3
        due = DueItem(row.pk, row.sk, row.due_pk, row.due_sk).due
        assert (due - fake.now()).total_seconds() == pytest.approx(age - 61, abs=1)
        fake.advance(seconds=age)
        log.trim(TOPIC, row.due_pk)

        row = log.table.get(HeadRow, key_of(TOPIC), HEAD)
        assert (int(row.floor), row.due_pk) == (4, None)
        log.append(TOPIC, [Entry("new")])
        assert log.table.get(HeadRow, key_of(TOPIC), HEAD).due_pk


def test_who_saw_a_log_before_it_was_trimmed_appends_without_moving_the_floor_back(table_of):
    table = table_of("Realtime")
    writer, trimmer = SeqLog(table), SeqLog(table)
    fake = FakeClock()
    with clock.using(fake):
        writer.append(TOPIC, [Entry("old"), Entry("old too")])
        fake.advance(seconds=namespace_of(TOPIC).max_age_seconds + 1)
        trimmer.trim(TOPIC, table.get(HeadRow, key_of(TOPIC), HEAD).due_pk)

        appended = writer.append(TOPIC, [Entry("new")])

        assert appended.last == 3
        assert trimmer.head(TOPIC).floor == 3


def test_trimming_late_passes_over_what_nobody_sees_any_more_and_keeps_what_is_behind_it(log, monkeypatch):
    monkeypatch.setattr(heads, "TRIMMED_AT_ONCE", 2)
    fake = FakeClock()
    with clock.using(fake):
        log.append(TOPIC, [Entry("old")] * 3)
        fake.advance(seconds=namespace_of(TOPIC).max_age_seconds + GRACE_SECONDS + 1)
        log.append(TOPIC, [Entry("new")])

        floors = []
        while (row := log.table.get(HeadRow, key_of(TOPIC), HEAD)).floor < 4:
            log.trim(TOPIC, row.due_pk)
            floors.append(int(log.head(TOPIC).floor))

        assert floors == [3, 4]


def test_a_new_epoch_makes_every_position_another(log):
    before = log.append(TOPIC, [Entry("a")]).epoch

    assert log.reset(TOPIC).epoch != before
    assert log.append(TOPIC, [Entry("b")]).epoch != before


@pytest.mark.parametrize("count", [0, 26])
def test_an_append_takes_one_to_25(log, count):
    with pytest.raises(ValueError, match="1 to 25"):
        log.append(TOPIC, [Entry("a")] * count)


@pytest.mark.parametrize("topic", ["nobody:x", "demo", "demo:", "Demo:x", "demo:a b", "demo:" + "x" * 160, ""])
def test_only_listed_namespaces_and_plain_names_are_topics(topic):
    with pytest.raises(UnknownTopic):
        namespace_of(topic)


def test_only_the_owner_of_a_namespace_appends():
    assert may_append("chat", "room:1")
    assert not may_append("tasks", "room:1")
    assert may_append("tasks", "user:1")


class Pokes:
    def __init__(self):
        self.sent = []

    def poke(self, topic, offset, shards):
        if shards:
            self.sent.append((topic, offset, shards))

    def tell(self, topic, data, info=None):
        self.sent.append((topic, data))


def test_publishing_wakes_the_delivery_only_where_somebody_listens(log):
    pokes = Pokes()
    live = Live("tasks", log, pokes)
    live.publish(user_topic("ann"), {"kind": "hello"})
    log.listen(user_topic("ann"), 2)
    live.publish(user_topic("ann"), {"kind": "again"})

    assert pokes.sent == [("user:ann", 2, 2)]


def test_what_is_not_kept_is_told_only_where_somebody_listens(log):
    pokes = Pokes()
    live = Live("realtime", log, pokes)
    live.tell(TOPIC, {"x": 1})
    fake = FakeClock()
    with clock.using(fake):
        log.listen(TOPIC, 1)
        fake.advance(seconds=5)
        live.tell(TOPIC, {"x": 2})

    assert pokes.sent == [(TOPIC, {"x": 2})]
    assert texts(log) == []


def test_a_publisher_that_dies_after_the_append_has_not_lost_it(log):
    live = Live("realtime", log, Pokes())
    log.listen(TOPIC, 1)

    with crash_at("live.appended"), pytest.raises(Crash):
        live.publish(TOPIC, "a")

    assert [entry.poke for entry in log.read(TOPIC, 0, 10)] == ["1"]


def test_a_delivery_that_cannot_be_woken_makes_no_failure_of_what_was_appended(log):
    live = Live("realtime", log, Fanout(["https://nowhere.test/fanout.fifo"], ""))
    log.listen(TOPIC, 1)
    log.listen("demo:two", 1)

    with failing("sqs", "SendMessage", code="InternalError"):
        first = live.publish(TOPIC, "a")
        live.publish_each({"demo:two": "b"}, [])

    assert first.last == 1
    assert [entry.poke for entry in (*log.read(TOPIC, 0, 10), *log.read("demo:two", 0, 10))] == ["1", "1"]


def test_nobody_appends_to_what_is_anothers_or_more_than_it_takes(log):
    live = Live("tasks", log, Pokes())

    with pytest.raises(NotItsTopic):
        live.publish("room:1", {})
    with pytest.raises(ValueError, match="bytes"):
        live.publish("user:ann", "x" * 20_000)


def test_a_grant_that_is_taken_away_says_so(log):
    live = Live("chat", log, Pokes())
    live.grant("room:1", "ann", "sh")
    live.revoke("room:1", "ann")

    (row,) = everything_in(log.table)
    assert row["perms"]["S"] == ""
    assert '"realtime.grant.revoked.v1"' in row["event"]["S"]


def test_a_range_that_ends_before_it_begins_is_nothing_and_asks_nobody(log):
    """The service refuses such a query, which moto does not."""
    log.append(TOPIC, [Entry("a")])

    with aws.metered() as meter:
        found = [log.read(TOPIC, 1, 10, up_to=1), log.read(TOPIC, 5, 0), log.read_back(TOPIC, 1, 10)]

    assert (found, meter.requests) == ([[], [], []], 0)


class Told(Exception):
    pass


TOPICS = ["user:one", "user:two", "user:three"]


def said(log):
    return {topic: texts(log, topic) for topic in TOPICS}


def test_several_logs_are_appended_to_at_once(log, table_of):
    log.append(TOPICS[1], [Entry("before")])
    log.look_at(TOPICS)
    pokes = Pokes()
    row = Row(pk="X", sk="MAIN")

    Live("tasks", log, pokes).publish_each(dict.fromkeys(TOPICS, "now"), [putting(log.table, row)])

    assert said(log) == {
        TOPICS[0]: [(1, '"now"')],
        TOPICS[1]: [(1, '"before"'), (2, '"now"')],
        TOPICS[2]: [(1, '"now"')],
    }
    assert log.table.get(Row, "X", "MAIN") is not None
    # What is remembered of them is right: the next append needs no second try.
    assert log.append(TOPICS[1], [Entry("after")]).last == 3


def test_of_several_logs_all_are_appended_to_or_none(log):
    log.look_at(TOPICS)
    SeqLog(log.table).append(TOPICS[2], [Entry("first")])

    with pytest.raises(LogContended):
        log.append_each({topic: Entry("now") for topic in TOPICS}, [])
    assert said(log) == {TOPICS[0]: [], TOPICS[1]: [], TOPICS[2]: [(1, '"first"')]}

    log.look_at(TOPICS)
    there = putting(log.table, Row(pk="X", sk="MAIN"), only_if=is_new(), refused=Told())
    log.table.put(Row(pk="X", sk="MAIN"))
    with pytest.raises(Told):
        log.append_each({topic: Entry("now") for topic in TOPICS}, [there])
    assert said(log) == {TOPICS[0]: [], TOPICS[1]: [], TOPICS[2]: [(1, '"first"')]}
    # What was remembered is forgotten, so the next append looks first and is right.
    assert log.append(TOPICS[2], [Entry("second")]).last == 2


def test_whoever_only_meets_others_is_patient_with_several_logs(log):
    with contention(0.5, seed=1) as met:
        log.append_each({topic: Entry("now") for topic in TOPICS}, [])

    assert met[0] > 0 and said(log) == {topic: [(1, '"now"')] for topic in TOPICS}


def test_nobody_appends_to_several_topics_of_another(log):
    with pytest.raises(NotItsTopic):
        Live("tasks", log, Pokes()).publish_each({TOPICS[0]: "a", "room:one": "b"}, [])
    with pytest.raises(ValueError, match="bytes an entry"):
        Live("tasks", log, Pokes()).publish_each({TOPICS[0]: "a", TOPICS[1]: "x" * 1_000_000}, [])

    assert said(log)[TOPICS[0]] == []
