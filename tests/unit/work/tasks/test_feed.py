"""The calendar feed: its one token, under races, and how long its answer may become."""

import json
from datetime import date

import pytest

from functions.work.tasks.actions import personal
from functions.work.tasks.store.personal import PersonalStore
from tests.kit.faults import contention, meanwhile
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in


@pytest.fixture
def own(table):
    return PersonalStore(table)


@pytest.fixture
def opens(own):
    return lambda token: own.feed(personal._hashed(token)) is not None


def tokens_in(table):
    return [item for item in everything_in(table) if item["pk"]["S"].startswith("ICS#")]


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_of_tokens_renewed_at_once_exactly_one_opens_the_feed(own, opens, owner, table, share, frozen):
    for _ in range(5):
        with contention(share, seed=1):
            results = together(lambda: personal.renew_feed(own, owner.owner_id, "UTC"), times=6)

        assert outcomes(results) == {"ok": 6}
        assert sum(opens(result.value) for result in results) == 1
        assert len(tokens_in(table)) == 1

    own.revoke_feed(owner.owner_id)

    assert everything_in(table) == []


def test_a_token_ends_although_it_was_made_while_another_one_was(own, opens, owner, frozen):
    made = []

    with meanwhile("TransactWriteItems", lambda: made.append(personal.renew_feed(own, owner.owner_id, "UTC"))):
        made.append(personal.renew_feed(own, owner.owner_id, "UTC"))

    assert [opens(token) for token in made] == [False, True]


@pytest.mark.parametrize("end", ["revoke", "erase"])
def test_ending_the_feed_ends_a_token_that_was_made_meanwhile(own, opens, owner, table, frozen, end):
    made = [personal.renew_feed(own, owner.owner_id, "UTC")]
    do = {"revoke": own.revoke_feed, "erase": lambda owner_id: own.erase(owner_id, 100)}[end]

    with meanwhile("TransactWriteItems", lambda: made.append(personal.renew_feed(own, owner.owner_id, "UTC"))):
        do(owner.owner_id)

    assert [opens(token) for token in made] == [False, False]
    assert tokens_in(table) == []


def test_a_feed_renewed_and_ended_by_many_at_once_leaves_no_token_behind(own, owner, table, frozen):
    personal.renew_feed(own, owner.owner_id, "UTC")
    results = together(
        lambda: personal.renew_feed(own, owner.owner_id, "UTC"), lambda: own.revoke_feed(owner.owner_id), times=4
    )

    assert outcomes(results) == {"ok": 8}
    own.revoke_feed(owner.owner_id)
    assert everything_in(table) == []


@pytest.mark.parametrize("letter", ["\U0001f9c0", "\\", ";", "ß"])
def test_a_feed_as_full_as_can_be_fits_into_an_answer(add, own, owner, listing, letter, frozen):
    tags = tuple(f"{number:02}" + letter * 38 for number in range(20))
    add(letter * 500, notes=letter * (16_384 // len(letter.encode())), due_date=date(2020, 1, 1), tags=tags)

    feed = personal.feed(own, listing, personal.renew_feed(own, owner.owner_id, "UTC"))

    # As Lambda sends it, within JSON.
    assert len(json.dumps(feed, ensure_ascii=False).encode()) * personal.MAX_IN_FEED < 6_000_000
