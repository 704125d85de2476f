"""What the blog's operations cost in requests and units, among a thousand posts and among ten times as many.

`LARGE=1 make unit C=blog` has a hundred thousand, which take minutes to be looked through in memory.
"""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.content.blog.actions import commenting, posts, reacting
from functions.content.blog.actions.commenting import Said
from functions.content.blog.actions.telling import MAX_TEXT_BYTES
from functions.content.blog.rules.posts import Post, Status
from functions.content.blog.store.places import ALL, of_author, place_of
from functions.content.blog.store.rows import META, AuthorRow, author_pk, packed, row_of
from tessera import clock, ids
from tessera.auth.principal import Principal
from tessera.idempotency import Intent
from tessera.listing import pointer
from tessera.tables import Row, item_of
from tests.kit.apps import Caller
from tests.kit.capacity import CapacityMeter, Cost
from tests.kit.stores import pour

from .conftest import Member, World

FEW, MANY = 1_000, 100_000 if os.environ.get("LARGE") else 10_000
AUTHORS, PAGE = 100, 20
# Those whose cards a page of the test may show.
SHOWN = 50 * PAGE
MINUTE = 60_000


def cost(world: World, do: Callable[[], Any]) -> Cost:
    with CapacityMeter() as meter:
        do()
    return meter.of(world.table.name)


def fill(world: World, count: int, reader: str) -> list[str]:
    """So many posts by a hundred authors whom the reader follows, one a minute."""
    authors = [ids.new() for _ in range(AUTHORS)]
    start = clock.millis() - (count + 1) * MINUTE
    one = Post(ids.new(), "", "A title of some words", "", start, start, status=Status.PUBLISHED, words=700)

    def items() -> Iterator[dict[str, Any]]:
        for number in range(count):
            at, author = start + number * MINUTE, authors[number % AUTHORS]
            post = replace(one, id=ids.at(at, number.to_bytes(10, "big")), author_id=author, published_at=at)
            for name in (ALL, of_author(author)):
                yield item_of(pointer(name, place_of(post), post.id, author), None)
            if number >= count - SHOWN:
                yield item_of(row_of(replace(post, slug=f"post-{number}", excerpt="What it is about " * 8)), None)
        for place, author in enumerate(authors):
            newest = start + (count - AUTHORS + place) * MINUTE
            row = AuthorRow(pk=author_pk(author), sk=META, user_id=author, username=author, bio="Writes " * 20)
            row.post_count, row.last_published_at = count // AUTHORS, newest
            yield item_of(row, None)
            yield item_of(Row(pk=f"F#{reader}", sk=author), None)

    pour(world.table, items())
    return authors


def filled(world: World, count: int) -> Member:
    """A reader of the facade, in a blog of so many posts."""
    reader = world.member()
    # Keys and limits are known afterwards.
    assert reader.request("GET", "/articles").status_code == 200
    fill(world, count, reader.id)
    return reader


def writer(world: World) -> Principal:
    user_id = ids.new()
    world.accounts.add(user_id, f"w{user_id.lower()}")
    permissions = frozenset({"blog:read", "blog:write"})
    return Principal(kind="user", id=user_id, user_id=user_id, permissions=permissions)


def published(world: World, by: Principal, body: str = "What it says.", **fields: Any) -> Post:
    draft = posts.Draft(title=f"A title {ids.new()}", body=body, status=Status.PUBLISHED, **fields)
    return posts.create(world.ports, draft, by=by, intent=Intent(ids.new(), ""))[0]


def prose(size: int) -> str:
    """Text that packs about as well as what people write."""
    chance = random.Random(7)
    words = ["".join(chance.choices("etaoinshrdlucmfw", k=chance.randint(2, 9))) for _ in range(900)]
    return " ".join(chance.choices(words, k=size // 6))[:size]


@pytest.mark.parametrize("count", [FEW, MANY])
def test_what_is_written_costs_what_the_ledger_says(world: World, count: int) -> None:
    fill(world, count, ids.new())
    by, tags = writer(world), ("tea", "rye", "oat")
    post = published(world, by, tags=tags)

    publishing = cost(world, lambda: published(world, by, tags=tags))
    reaction = cost(world, lambda: reacting.react(world.ports, post, ids.new(), "love"))
    favourite = cost(world, lambda: reacting.react(world.ports, post, ids.new(), "like"))
    said = cost(world, lambda: commenting.say(world.ports, post, Said("Well said."), user_id=by.id))

    assert publishing.operations == ["GetItem", "BatchGetItem", "TransactWriteItems"]
    assert publishing.write_units == pytest.approx(30, rel=0.1)
    assert reaction.operations == favourite.operations == ["TransactWriteItems"]
    assert (reaction.write_units, favourite.write_units) == (6, 8)
    assert said.operations == ["GetItem", "TransactWriteItems"] and said.read_units <= 1
    # The comment, its number and its lookup, the post's count, its author's list and count, and what was said.
    assert said.write_units == 14


def test_a_body_is_paid_for_as_it_is_packed(world: World) -> None:
    by = writer(world)
    published(world, by)
    short = cost(world, lambda: published(world, by))

    text = prose(8_000)
    long = cost(world, lambda: published(world, by, text))

    # As written and as shown, and in the revision, with the event that brings the text to the search.
    told = min(len(text), MAX_TEXT_BYTES) + 3 * len(packed(text))
    assert long.write_units - short.write_units <= 2 * (told / 1_024 + 4)


@pytest.mark.parametrize("count", [FEW, MANY])
def test_lists_of_the_facade_keep_to_their_bounds_whatever_there_is(world: World, count: int) -> None:
    reader, answers = filled(world, count), list[Any]()

    listing = cost(world, lambda: answers.append(reader.request("GET", f"/articles?limit={PAGE}")))
    feed = cost(world, lambda: answers.append(reader.request("GET", f"/articles/feed?limit={PAGE}")))

    assert [len(one.json()["articles"]) for one in answers] == [PAGE, PAGE]
    assert listing.operations == ["Query", "BatchGetItem"] and listing.read_units <= 85 * 1.1
    assert feed.operations.count("BatchGetItem") <= 3
    assert feed.operations.count("Query") <= 1 + PAGE + 1
    assert feed.read_units <= 205


def test_page_cost_flat(world: World, alice: Caller) -> None:
    def pages(count: int) -> list[Cost]:
        fill(world, count, alice.id)
        before_last = world.ports.reading.pointers(ALL, 49 * PAGE)[-1].sk
        return [cost(world, lambda after=after: page(after)) for after in (None, before_last)]  # type: ignore[misc]

    def page(after: str | None) -> None:
        assert len(world.ports.reading.cards(ALL, Status.PUBLISHED, limit=PAGE, after=after).items) == PAGE

    first, *others = [*pages(FEW), *pages(MANY)]

    assert first.requests == 2 and first.read_units <= 11
    for one in others:
        assert one.requests == 2 and one.read_units == pytest.approx(first.read_units, abs=1)
