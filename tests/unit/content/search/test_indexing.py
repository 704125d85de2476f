"""Documents put into the lists and taken out: each word once, whatever arrives when and whoever is lost meanwhile."""

import random

import pytest

from functions.content.search.rules.documents import Lengths, weigh
from functions.content.search.rules.index import Ask
from functions.content.search.store.rows import Posted
from tessera import aws
from tessera.due import DueItem
from tests.kit.faults import Crash, crash_at, failing
from tests.kit.stores import everything_in
from tests.unit.content.search.conftest import document


def keys_of(table, *beginnings):
    return sorted(
        (item["pk"]["S"], item["sk"]["S"]) for item in everything_in(table) if item["pk"]["S"].startswith(beginnings)
    )


def expected(*documents):
    """The keys of the postings that these documents have, and no others."""
    return sorted(
        key
        for one in documents
        for key in Posted(scope=one.acl, type=one.type, terms=weigh(one, Lengths()).impacts).rows(one.id)
    )


def found(reading, term, scope="public", kind=""):
    return [posting.doc for posting in reading.postings([Ask(scope, term, kind)])[0].postings]


def test_a_document_is_found_by_its_words_in_all_types_and_in_its_own(indexing, reading):
    one = document()

    assert indexing.put(one)

    assert found(reading, "bread") == found(reading, "bread", kind="post") == [one.id]
    assert found(reading, "bread", kind="task") == found(reading, "bread", scope="user:x") == []
    assert reading.vocabulary(["public"], ["bread", "cake"]).counts == {("public", "bread"): 1}
    assert reading.vocabulary(["public"], []).documents == 1


def test_shuffled_events_converge(indexing, reading, table):
    versions = [document(f"Version{n} of many words {n}", id="DOC", seq=n) for n in range(1, 21)]
    shuffled = random.Random(3).sample(versions + versions[5:9], 24)

    for one in shuffled:
        indexing.put(one)

    assert keys_of(table, "T#") == expected(versions[-1])
    assert found(reading, "version20") == ["DOC"]
    counts = reading.vocabulary(["public"], ["version20", "version7", "words"]).counts
    assert counts == {("public", "version20"): 1, ("public", "words"): 1}
    assert reading.vocabulary(["public"], []).documents == 1


def test_a_delete_that_comes_before_the_version_it_follows_wins(indexing, reading, table):
    one = document(id="DOC", seq=4)

    assert indexing.remove("DOC", 5)
    assert not indexing.put(one)

    assert keys_of(table, "T#", "V#", "S#", "L#", "Y#", "X#") == []
    assert reading.cards(["DOC"]) == {}


def test_a_deleted_document_leaves_only_its_trace(indexing, reading, table):
    indexing.put(document(id="DOC", body="Flour and water."))

    assert indexing.remove("DOC", 2)

    assert set(keys_of(table, "T#", "V#", "S#", "L#", "X#", "D#")) == {("D#DOC", "META")}
    assert reading.vocabulary(["public"], []).documents == 0
    assert not any(item.get("terms") for item in everything_in(table) if item["pk"]["S"].startswith("Y#"))


def test_a_document_that_moves_to_another_scope_leaves_nothing_behind(indexing, reading, table):
    before = document(id="DOC")
    after = document(id="DOC", seq=2, acl="user:U", type="task")
    indexing.put(before)

    indexing.put(after)

    assert keys_of(table, "T#") == expected(after)
    assert {pk.split("#")[1] for pk, _ in keys_of(table, "V#", "S#", "X#")} == {"user:U"}
    assert [sk for _, sk in keys_of(table, "L#")] == ["DOC"]
    assert reading.vocabulary(["public"], ["bread"]).counts == {}


@pytest.mark.parametrize("point", ["claimed", "posted", "cleared", "counted"])
def test_what_a_lost_worker_began_is_finished_by_the_next_delivery(indexing, reading, table, point):
    before, after = document("Rye bread", id="DOC"), document("Wheat bread rolls", id="DOC", seq=2)
    indexing.put(before)
    with crash_at(f"search.{point}"), pytest.raises(Crash, match=point):
        indexing.put(after)

    assert indexing.put(after)

    assert keys_of(table, "T#") == expected(after)
    assert not [item for item in everything_in(table) if "pending" in item or "due_pk" in item]


@pytest.mark.parametrize("point", ["claimed", "posted", "cleared", "counted"])
def test_a_newer_version_clears_what_a_lost_worker_left(indexing, table, point):
    indexing.put(document("Rye bread", id="DOC"))
    with crash_at(f"search.{point}"), pytest.raises(Crash, match=point):
        indexing.put(document("Wheat rolls", id="DOC", seq=2))
    last = document("Spelt cake", id="DOC", seq=3)

    indexing.put(last)

    assert keys_of(table, "T#") == expected(last)


def test_what_a_lost_worker_began_is_finished_when_its_time_has_come(indexing, table):
    one = document(id="DOC")
    with crash_at("search.posted"), pytest.raises(Crash, match="posted"):
        indexing.put(one)
    (claimed,) = [item for item in everything_in(table) if "due_pk" in item]
    due = DueItem(**{name: claimed[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")})

    indexing.resume(due)
    indexing.resume(due)

    assert keys_of(table, "T#") == expected(one)
    assert not [item for item in everything_in(table) if "due_pk" in item]


def test_a_document_of_more_new_words_than_there_are_workers_is_indexed(indexing, reading):
    """Each new word asks for requests of its own while all workers are busy with words."""
    words = [f"{letter * 3}antelope" for letter in "abcdefghijklmnop"]

    assert indexing.put(document(" ".join(words), lang=""))

    assert all(found(reading, word) for word in words)


def test_what_goes_wrong_beside_is_raised(indexing):
    with failing("dynamodb", "UpdateItem", code="InternalServerError"), pytest.raises(aws.ClientError):
        indexing.put(document("rye spelt wheat"))
