"""What happens at once: the newest version stands, and what is counted is counted once."""

import pytest

from functions.content.search.rules.index import Ask
from functions.content.search.store.admin import LIST, Admin, CountRow
from functions.content.search.store.rows import typo_key
from tessera.problems import Busy
from tests.kit.faults import meanwhile
from tests.kit.races import outcomes, together
from tests.unit.content.search.conftest import document
from tests.unit.content.search.test_indexing import expected, found, keys_of


@pytest.fixture
def admin(table):
    return Admin(table)


def counted(table):
    return int(table.get(CountRow, LIST, "#").kept)


def test_of_two_versions_claimed_at_once_the_later_claim_is_told_to_come_again(indexing, table):
    newest = document("Spelt cake", id="DOC", seq=3)

    with meanwhile("TransactWriteItems", lambda: indexing.put(newest)), pytest.raises(Busy):
        indexing.put(document("Rye rolls", id="DOC", seq=2))

    assert keys_of(table, "T#") == expected(newest)
    assert not indexing.put(document("Rye rolls", id="DOC", seq=2))


def test_a_worker_that_was_overtaken_takes_away_what_it_wrote_in_vain(indexing, table):
    indexing.put(document("Wheat bread", id="DOC", seq=1))
    newest = document("Spelt cake", id="DOC", seq=3)

    with meanwhile("BatchWriteItem", lambda: indexing.put(newest)), pytest.raises(Busy):
        indexing.put(document("Rye rolls", id="DOC", seq=2))

    assert keys_of(table, "T#") == expected(newest)


def test_versions_written_by_many_threads_end_as_the_newest(indexing, table):
    versions = [document(f"Version{n} rye", id="DOC", seq=n) for n in range(1, 7)]

    results = together(*[lambda one=one: indexing.put(one) for one in versions])

    assert set(outcomes(results)) <= {"ok", "busy"}
    for one in versions:
        indexing.put(one)
    assert keys_of(table, "T#") == expected(versions[-1])


def test_a_word_that_is_used_again_while_its_last_use_ends_is_still_known(indexing, reading, table):
    indexing.put(document("rye", id="A", lang=""))

    with meanwhile("DeleteItem", lambda: indexing.put(document("rye", id="B", lang=""))):
        indexing.remove("A", 2)

    assert reading.vocabulary(["public"], ["rye"]).counts == {("public", "rye"): 1}
    assert found(reading, "rye") == ["B"]


def test_a_word_that_comes_while_the_last_one_like_it_goes_is_still_meant(indexing, reading):
    indexing.put(document("bread", id="A", lang=""))
    key = typo_key("public", "brad")[0]

    with meanwhile("DeleteItem", lambda: indexing.put(document("broad", id="B", lang="")), key=key):
        indexing.remove("A", 2)

    assert reading.near(["public"], ["brad"]) == ["broad"]


def test_of_words_alike_no_more_are_kept_than_are_looked_at(indexing, reading, monkeypatch):
    monkeypatch.setattr("functions.content.search.store.counting.MAX_NEAR", 1)
    indexing.put(document("bread", lang=""))

    indexing.put(document("broad", lang=""))

    assert reading.near(["public"], ["brad", "brod", "bred"]) == ["bread", "broad"]
    assert reading.near(["public"], ["brad"]) == ["bread"]


def test_a_synonym_put_twice_at_once_counts_once(admin, table):
    with meanwhile("TransactWriteItems", lambda: admin.put_synonym("a", ["b"])), pytest.raises(Busy):
        admin.put_synonym("a", ["c"])

    assert (counted(table), admin.synonyms()) == (1, {"a": ["b"]})


def test_a_synonym_deleted_while_it_is_changed_is_not_there_uncounted(admin, table):
    admin.put_synonym("a", ["b"])

    with meanwhile("TransactWriteItems", lambda: admin.delete_synonym("a")), pytest.raises(Busy):
        admin.put_synonym("a", ["c"])

    assert (counted(table), admin.synonyms()) == (0, {})


def test_a_synonym_deleted_twice_at_once_is_counted_off_once(admin, table):
    admin.put_synonym("a", ["b"])

    with meanwhile("TransactWriteItems", lambda: admin.delete_synonym("a")), pytest.raises(Busy):
        admin.delete_synonym("a")

    assert counted(table) == 0


def test_the_last_place_for_a_synonym_is_given_once(admin, table, monkeypatch):
    monkeypatch.setattr("functions.content.search.store.admin.MAX_SYNONYMS", 3)

    results = together(*[lambda n=n: admin.put_synonym(f"w{n}", ["x"]) for n in range(6)])

    assert outcomes(results)["ok"] == len(admin.synonyms()) == counted(table) == 3


def test_a_list_is_read_on_from_where_it_was_left(indexing, reading):
    made = [document("rye", id=f"D{n}", lang="") for n in range(5)]
    for one in made:
        indexing.put(one)

    first = reading.postings([Ask("public", "rye", limit=3)])[0]
    rest = reading.postings([Ask("public", "rye", limit=3, after=first.next)])[0]

    assert [one.doc for one in (*first.postings, *rest.postings)] == [one.id for one in made]
    assert rest.next is None
