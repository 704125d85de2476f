"""What time brings: counts put right, averages that hold anew, and parts of the index that are no more."""

import json

import pytest

from functions.content.search.actions import take, upkeep
from functions.content.search.rules.documents import FIRST_LENGTHS, Lengths, weigh
from functions.content.search.store.rows import KnownRow, vocabulary_key
from functions.content.search.triggers import ENTRIES
from tessera.due import DueItem
from tessera.triggers import dispatch
from tests.kit.faults import Crash, crash_at, failing, meanwhile
from tests.kit.queues import drain
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in
from tests.unit.content.search.conftest import document
from tests.unit.content.search.test_indexing import keys_of

DONE = {"batchItemFailures": []}


def scheduled(world, name):
    return dispatch(ENTRIES, {"schedule": name}, world.bindings)


def counted(world, term, scope="public"):
    return dict(world.ports.reading.counts([scope], [term])).get((scope, term), 0)


def let_drift(world, term, df, scope="public"):
    """Let a count be wrong, as repeated deliveries may leave it."""
    pk, sk = vocabulary_key(scope, term)
    world.ports.reading.table.put(KnownRow(pk=pk, sk=sk, df=df))


@pytest.mark.parametrize("wrong", [1, 9, -2])
def test_every_week_words_are_counted_anew(world, wrong):
    for _ in range(3):
        world.add("Rye bread")
    world.add("Rye rolls", acl="user:U1")
    let_drift(world, "rye", wrong)
    let_drift(world, "rye", wrong, scope="user:U1")

    scheduled(world, "recount")
    world.work()

    assert (counted(world, "rye"), counted(world, "rye", "user:U1"), counted(world, "bread")) == (3, 1, 3)


def test_a_word_nobody_uses_is_forgotten_with_what_it_was_found_by(world):
    world.add("Bread")
    let_drift(world, "broth", 2)
    world.ports.indexing.counting.count([("public", "broth")], 1)
    table = world.ports.reading.table

    scheduled(world, "recount")
    world.work()

    assert keys_of(table, "V#public#br") == [("V#public#br", "bread")]
    assert not [key for key in keys_of(table, "X#public") if key[1].endswith("#broth")]
    assert not [item for item in everything_in(table) if "broth" in item.get("terms", {}).get("SS", ())]


def test_what_begins_alike_is_in_order_after_a_recount(world):
    for n in range(4):
        world.add(f"Bread{'s' * n} bread")
    let_drift(world, "bread", 1)

    scheduled(world, "recount")
    world.work()

    assert world.ports.reading.beginning(["public"], "bre")["public", "bread"] == 4


def test_a_recount_goes_on_from_where_it_was_left(world, monkeypatch):
    for name, value in (("TERMS_AT_ONCE", 2), ("SCOPES_AT_ONCE", 1)):
        monkeypatch.setattr(upkeep, name, value)
    words = ["bread", "breads", "brew", "brine", "broth", "rye", "salt"]
    for scope in ("public", *(f"user:U{n}" for n in range(12))):
        world.add(" ".join(words), acl=scope, lang="")
        for word in words:
            let_drift(world, word, 7, scope)

    scheduled(world, "recount")
    world.work()

    for scope in ("public", *(f"user:U{n}" for n in range(12))):
        assert [counted(world, word, scope) for word in words] == [1] * 7


def test_a_long_list_is_counted_to_its_end(world, monkeypatch):
    monkeypatch.setattr("functions.content.search.store.counting.COUNTED_AT_ONCE", 1)
    for _ in range(3):
        world.add("Rye")
    let_drift(world, "rye", 1)

    world.ports.indexing.counting.recount("public", "ry", 10, None)

    assert counted(world, "rye") == 3


def test_a_count_that_moves_while_it_is_put_right_is_left_to_who_moves_it(world):
    world.add("Rye", id="A")
    let_drift(world, "rye", 5)

    with meanwhile("UpdateItem", lambda: world.ports.indexing.counting.count([("public", "rye")], 1)):
        world.ports.indexing.counting.recount("public", "ry", 10, None)

    assert counted(world, "rye") == 6


def many(world, monkeypatch, count=4):
    monkeypatch.setattr(upkeep, "FEWEST_DOCUMENTS", count)
    return [world.add(f"Rye {n}", id=f"D{n}", body="one two three", type=("post", "note")[n % 2]) for n in range(count)]


def sweep(world):
    """Bring what has come due."""
    due = [item for item in everything_in(world.ports.reading.table) if "due_pk" in item]
    bodies = [
        {"kind": "due", "data": {name: item[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")}} for item in due
    ]
    assert not bodies or world.deliver(*bodies) == DONE
    return len(bodies)


def test_when_the_average_lengths_have_drifted_all_documents_are_weighed_anew(world, monkeypatch):
    docs = many(world, monkeypatch)

    scheduled(world, "epoch")
    held = world.ports.indexing.lengths()
    assert sweep(world) == 1
    world.work()

    assert (held.epoch, held.averages["title"], held.averages["body"]) == (2, 2.0, 3.0)
    for n, doc in enumerate(docs):
        one = document(f"Rye {n}", id=doc, body="one two three", type=("post", "note")[n % 2])
        assert world.ports.reading.words(doc).terms == weigh(one, held).impacts != weigh(one, Lengths()).impacts
    assert sweep(world) == 0


def test_an_epoch_stays_while_the_lengths_do(world, monkeypatch):
    many(world, monkeypatch)
    scheduled(world, "epoch")

    scheduled(world, "epoch")

    assert world.ports.indexing.lengths().epoch == 2


def test_few_documents_say_nothing_of_lengths(world, monkeypatch):
    many(world, monkeypatch)
    monkeypatch.setattr(upkeep, "FEWEST_DOCUMENTS", 5)

    scheduled(world, "epoch")

    assert world.ports.indexing.lengths() == Lengths(1, FIRST_LENGTHS)


def test_of_epochs_begun_at_once_one_begins(world):
    indexing = world.ports.indexing

    results = together(*[lambda n=n: indexing.begin_epoch(Lengths(), {**FIRST_LENGTHS, "title": n}) for n in range(6)])

    assert [one.value for one in results].count(True) == 1
    assert outcomes(results)["ok"] == 6
    assert indexing.lengths().epoch == 2
    assert not indexing.begin_epoch(Lengths(), FIRST_LENGTHS) and indexing.begin_epoch(indexing.lengths(), {})


def test_a_new_epoch_is_told_until_it_has_been_begun_with(world, monkeypatch):
    many(world, monkeypatch)
    scheduled(world, "epoch")
    (item,) = [item for item in everything_in(world.ports.reading.table) if "due_pk" in item]
    due = DueItem(**{name: item[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")})

    with failing("sqs", "SendMessage", code="InternalError"):
        assert world.deliver({"kind": "due", "data": due.__dict__}) != DONE
    assert sweep(world) == 1

    assert len(drain(world.queue)) == 2
    upkeep.tell_epoch(world.ports, due)
    assert drain(world.queue) == []


def test_who_was_late_to_tell_of_an_epoch_leaves_the_next_one_waiting(world):
    world.ports.indexing.begin_epoch(Lengths(), FIRST_LENGTHS)
    (item,) = [item for item in everything_in(world.ports.reading.table) if "due_pk" in item]
    due = DueItem(**{name: item[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")})
    world.frozen.advance(days=1)
    world.ports.indexing.begin_epoch(Lengths(2), FIRST_LENGTHS)

    world.ports.indexing.epoch_told(due)

    assert world.ports.indexing.epoch_due(due) is None
    assert sweep(world) == 1


def test_weighing_for_an_epoch_that_is_over_goes_no_further(world, monkeypatch):
    many(world, monkeypatch)
    world.ports.indexing.begin_epoch(Lengths(), FIRST_LENGTHS)
    work = {"epoch": 1, "type": "post", "shard": 0, "after": None}

    assert world.deliver({"kind": upkeep.REWEIGH, "data": work}) == DONE

    assert drain(world.queue) == drain(world.documents_queue) == []


def test_weighing_anew_goes_page_by_page(world, monkeypatch):
    monkeypatch.setattr(upkeep, "DOCUMENTS_AT_ONCE", 1)
    docs = many(world, monkeypatch, 30)
    scheduled(world, "epoch")
    sweep(world)
    told = 0
    while waiting := drain(world.queue):
        assert world.deliver(*(json.loads(body) for body in waiting)) == DONE
        told += len(drain(world.documents_queue))

    assert told == len(docs)


def test_messages_that_a_room_keeps_no_longer_are_found_no_longer(world):
    alice = world.person()
    world.keepers.rooms = {(alice.id, "R1"): 1}
    gone = [world.add("", type="message", acl="room:R1", body="bread", n=n) for n in (1, 2)]
    kept = world.add("", type="message", acl="room:R1", body="bread", n=3)

    world.receive("chat.messages.trimmed.v1", room_id="R1", message_ids=gone)
    world.work()

    assert world.found("bread", alice, in_="room:R1") == [kept]
    assert not world.ports.indexing.put(document(id=gone[0], seq=99))


def test_of_a_room_that_is_no_more_nothing_is_left(world, monkeypatch):
    monkeypatch.setattr("functions.content.search.actions.take.ERASED_AT_ONCE", 2)
    for n in range(5):
        world.add("", type="message", acl="room:R1", body=f"bread {n}", n=n)
    other = world.add("", type="message", acl="room:R2", body="bread", n=1)

    world.receive("chat.room.purged.v1", room_id="R1")
    world.work()

    left = [item for item in everything_in(world.ports.reading.table) if "room:R1" in str(item)]
    assert left == []
    assert other in world.ports.reading.cards([other])


def test_a_room_that_is_no_more_while_a_message_is_worked_on_is_tried_again(world):
    world.add("", id="M1", type="message", acl="room:R1", body="bread", n=1)
    with meanwhile("TransactWriteItems", lambda: world.ports.indexing.put(message_of("M1", 2))):
        assert world.receive("chat.room.purged.v1", room_id="R1") != DONE
    assert world.ports.reading.cards(["M1"])

    assert world.receive("chat.room.purged.v1", room_id="R1") == DONE

    assert not world.ports.reading.cards(["M1"])


def message_of(doc, seq):
    return document("", id=doc, seq=seq, type="message", acl="room:R1", body="bread again", n=1)


def test_what_a_lost_worker_left_is_dropped_with_its_room(world):
    with crash_at("search.posted"), pytest.raises(Crash):
        world.ports.indexing.put(message_of("M1", 1))

    world.receive("chat.room.purged.v1", room_id="R1")
    world.work()

    assert keys_of(world.ports.reading.table, "T#room:R1", "S#room:R1") == []


def test_what_is_similar_to_a_document_is_known_while_that_is_indexed(world):
    other = world.add("Rye bread")
    with crash_at("search.posted"), pytest.raises(Crash):
        world.add("Rye rolls", id="NEW")

    answer = world.person().post("/search/similar", json={"doc_id": "NEW"})

    assert [one["id"] for one in answer.json()["items"]] == [other]


def test_an_erased_owner_is_in_no_list(world):
    world.add("Rye", acl="user:01ARZ3NDEKTSV4RRFFQ69G5FAV")

    assert take.erase(world.ports, "01ARZ3NDEKTSV4RRFFQ69G5FAV")[0]

    left = [item for item in everything_in(world.ports.reading.table) if "user:" in str(item)]
    assert left == []
