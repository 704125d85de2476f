"""The store: what it keeps, and what it does not tell."""

import pytest

from functions.identity.ratelimit.store import Ratelimit
from tessera import ids
from tessera.idempotency import Intent
from tessera.problems import NotFound


@pytest.fixture
def store(table_of):
    return Ratelimit(table_of("Ratelimit"))


def make(store, owner_id, name="First"):
    return store.create(owner_id, name, Intent(ids.new(), "made by a test"))[0]


def test_what_is_kept_is_read_as_it_was(store):
    owner_id = ids.new()

    item = make(store, owner_id)

    assert store.get(owner_id, item.id) == item


def test_pages_hold_every_item_once_and_the_newest_first(store):
    owner_id = ids.new()
    made = sorted((make(store, owner_id, str(number)).id for number in range(5)), reverse=True)

    seen, after = [], None
    while True:
        items, after = store.page(owner_id, 2, after)
        seen += [item.id for item in items]
        if after is None:
            break

    assert seen == made


def test_nobody_sees_or_deletes_what_belongs_to_another(store):
    item = make(store, ids.new())

    with pytest.raises(NotFound):
        store.get(ids.new(), item.id)
    with pytest.raises(NotFound):
        store.delete(ids.new(), item.id)


def test_erasure_goes_on_until_nothing_of_the_owner_is_left(store):
    owner_id, other_id = ids.new(), ids.new()
    for _ in range(101):
        make(store, owner_id)
    kept = make(store, other_id)

    assert store.erase(owner_id) == (False, 100)
    assert store.erase(owner_id) == (True, 1)
    assert store.page(owner_id, 10, None) == ([], None)
    assert store.get(other_id, kept.id) == kept
