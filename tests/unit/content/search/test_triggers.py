"""What happened elsewhere, brought into the index: told in the event, or asked for when its turn comes."""

import json

import pytest

from functions.content.search.actions import take
from functions.content.search.triggers import ENTRIES
from tessera import ids
from tessera.due import DueItem
from tessera.searchable import SearchDoc
from tests.kit.faults import Crash, crash_at, failing
from tests.kit.queues import drain
from tests.kit.worlds import DONE
from tests.unit.content.search.test_routes import scanned


def told(world, **doc):
    """Have a document taken in as its keeper told it."""
    take.tell(
        world.ports, SearchDoc(**{"id": "P1", "seq": 1, "type": "post", "title": "Rye bread", **doc}), once=ids.new()
    )


def test_a_document_that_was_told_is_found_as_it_is_now_and_gone_again(world):
    told(world)
    world.work()
    assert world.found("rye") == ["P1"]

    told(world, seq=2, title="Spelt rolls")
    world.work()
    assert (world.found("rye "), world.found("spelt")) == ([], ["P1"])

    told(world, seq=3, deleted=True)
    world.work()
    assert world.found("spelt rolls") == []


@pytest.mark.parametrize(
    "event, data, asked",
    [
        ("tasks.task.created.v1", {"task_id": "{id}", "owner_id": "O1"}, "tessera-tasks /tasks/internal/search-docs"),
        ("tasks.task.updated.v1", {"task_id": "{id}", "owner_id": "O1"}, "tessera-tasks /tasks/internal/search-docs"),
        ("chat.message.created.v1", {"message_id": "{id}", "room_id": "R1"}, "tessera-chat /chat/internal/search-docs"),
        ("chat.message.edited.v1", {"message_id": "{id}", "room_id": "R1"}, "tessera-chat /chat/internal/search-docs"),
        ("files.file.clean.v1", {"file_id": "{id}", "owner_id": "O1"}, "tessera-files /files/internal/search-docs"),
        ("files.file.changed.v1", {"file_id": "{id}", "owner_id": "O1"}, "tessera-files /files/internal/search-docs"),
    ],
)
def test_what_an_event_only_names_is_asked_for(world, event, data, asked):
    doc = world.keepers.keep()
    world.receive(event, **{name: value.replace("{id}", doc) for name, value in data.items()})

    world.work()

    assert world.keepers.asked == [asked]
    assert world.found("rye") == [doc]


def test_what_its_keeper_has_no_more_is_gone_for_good(world):
    doc = world.keepers.keep(seq=7)
    event = {"task_id": doc, "owner_id": "O1"}
    world.receive("tasks.task.created.v1", **event)
    world.work()
    del world.keepers.documents[doc]

    world.receive("tasks.task.deleted.v1", **event)
    world.work()

    assert world.found("rye") == []
    assert not world.ports.indexing.put(world.ports.reading and _document(doc, 8))


def _document(doc, seq):
    from tests.unit.content.search.conftest import document

    return document(id=doc, seq=seq)


def test_what_is_in_the_trash_comes_back(world):
    doc = world.keepers.keep()
    event = {"file_id": doc, "owner_id": "O1"}
    for seq, deleted in ((2, True), (3, False)):
        world.keepers.documents[doc] |= {"seq": seq, "deleted": deleted}
        # What everybody asks for is remembered for ten seconds.
        world.frozen.advance(seconds=11)
        world.receive("files.file.clean.v1", **event)
        world.work()
        assert world.found("rye") == ([] if deleted else [doc])


def test_a_keeper_that_does_not_answer_is_asked_again_later(world):
    doc = world.keepers.keep()
    world.receive("tasks.task.created.v1", task_id=doc, owner_id="O1")
    (body,) = drain(world.documents_queue)
    world.keepers.status = 503

    assert world.deliver(json.loads(body)) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    world.keepers.status = 200
    assert world.deliver(json.loads(body)) == DONE

    assert world.found("rye") == [doc]


@pytest.mark.parametrize(
    "doc",
    [
        {"id": "a b", "seq": 1},
        {"id": "a"},
        {"id": "a", "seq": "x"},
        {"id": "a", "seq": 1, "acl": "everybody"},
        {"id": "a", "seq": 1, "boost": float("inf")},
    ],
)
def test_a_poisoned_document_fails_alone(world, doc):
    made = world.deliver({"kind": "search.put", "data": doc})

    assert made == {"batchItemFailures": [{"itemIdentifier": "0"}]}


def test_an_unknown_field_of_a_document_is_left_alone_and_a_long_one_is_cut(world):
    told(world, future=1, title="rye " * 500, body="é" * 60_000, tags=["x"] * 70, headings=["h"] * 70)
    world.work()

    (card,) = world.ports.reading.cards(["P1"]).values()
    text = world.ports.reading.texts({"P1": card})["P1"]
    assert (len(card.title), len(text.body.encode()), len(text.tags), len(text.headings)) == (300, 49_152, 50, 50)


def test_a_document_without_text_is_found_by_its_type_and_tags(world):
    told(world, title="", tags=["food"])
    world.work()

    assert world.found("tag:food") == ["P1"]


def test_work_that_a_lost_worker_left_is_finished_by_the_sweeper(world):
    with crash_at("search.posted"), pytest.raises(Crash):
        world.add(id="P1")
    (claimed,) = [item for item in scanned(world.ports.reading.table) if "due_pk" in item]
    due = DueItem(**{name: claimed[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")})

    assert world.deliver({"kind": "due", "data": due.__dict__}) == DONE

    assert world.found("bread") == ["P1"]


def test_a_table_that_takes_no_more_is_tried_again_by_the_queue(world, monkeypatch):
    monkeypatch.setattr("functions.content.search.store.writing.TRIES", 2)
    told(world)
    (body,) = drain(world.documents_queue)

    with failing("dynamodb", "BatchWriteItem", code="ThrottlingException"):
        assert world.deliver(json.loads(body)) != DONE

    assert world.deliver(json.loads(body)) == DONE
    assert world.found("rye") == ["P1"]


def test_a_job_that_was_cancelled_goes_no_further(world):
    admin = world.person("admin")
    world.add()
    location = admin.post("/search/reindex", json={"type": "post"}).headers["location"]
    admin.post(f"{location}/cancel")

    world.work()

    assert admin.get(location).json()["state"] == "cancelled"


def test_every_event_is_read_by_one_handler():
    names = [on.name for on in ENTRIES.events]

    assert len(names) == len(set(names)) == 17


def test_an_id_of_another_kind_of_work_is_refused(world):
    assert world.deliver({"kind": "search.unknown", "data": {"id": ids.new()}})["batchItemFailures"]


def test_a_post_is_found_as_its_events_tell_it(world):
    post = {"id": "P1", "seq": 1, "type": "post", "title": "Rye bread", "acl": "public"}
    for verb, doc in (("published", post), ("updated", {**post, "seq": 2, "title": "Rye rolls"})):
        world.receive(f"blog.post.{verb}.v1", post_id="P1", search_doc=doc)
    world.work()
    assert world.found("rolls ") == ["P1"]

    world.receive("blog.post.unpublished.v1", post_id="P1", search_doc={"id": "P1", "seq": 3, "deleted": True})
    world.work()
    assert world.found("rye ") == []


def test_a_post_whose_document_is_wrong_fails_alone(world):
    assert world.receive("blog.post.published.v1", search_doc={"id": "a b", "seq": 1})["batchItemFailures"]
