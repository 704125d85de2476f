"""Pages of pointers, many lists as one, and counters that spread."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera import aws, listing
from tessera.listing import PointerRow, Source, by_time, lazy_merge, pointer
from tessera.problems import Busy
from tessera.tables import Row, Table
from tests.kit.capacity import CapacityMeter


@pytest.fixture
def table(table_of: Callable[[str], Table]) -> Table:
    return table_of("Blog")


def fill(table: Table, name: str, count: int, *, first: int = 0) -> None:
    for number in range(first, first + count):
        table.put(pointer(name, by_time(number, f"i{number}"), f"i{number}", "author"))


def everything(pointers: Sequence[PointerRow]) -> Mapping[str, str]:
    return {one.id: one.id for one in pointers}


def test_pages_follow_one_another_newest_first_and_end(table: Table) -> None:
    fill(table, "ALL", 5)

    first = listing.page(table, "ALL", everything, limit=2)
    second = listing.page(table, "ALL", everything, limit=2, after=first.next)
    third = listing.page(table, "ALL", everything, limit=2, after=second.next)

    assert [first.items, second.items, third.items] == [["i4", "i3"], ["i2", "i1"], ["i0"]]
    assert third.next is None


def test_a_page_that_ends_with_the_list_has_no_next_one(table: Table) -> None:
    fill(table, "ALL", 2)

    assert listing.page(table, "ALL", everything, limit=2).next is None
    assert listing.page(table, "NONE", everything, limit=2) == listing.Listed([], None)


def test_what_is_gone_is_skipped_and_the_page_filled_up(table: Table) -> None:
    fill(table, "ALL", 6)

    found = listing.page(table, "ALL", lambda some: {i: i for i in everything(some) if i not in ("i5", "i4")}, limit=3)

    assert found.items == ["i3", "i2", "i1"]
    assert found.next == by_time(1, "i1")


def test_a_page_full_of_what_is_gone_stops_after_three_rounds_and_says_where_to_go_on(table: Table) -> None:
    fill(table, "ALL", 10)

    with CapacityMeter() as meter:
        found: listing.Listed[str] = listing.page(table, "ALL", lambda some: {}, limit=2)

    assert (found.items, found.next) == ([], by_time(4, "i4"))
    assert meter.of(table.name).requests == 3


def test_a_pointer_is_small(table: Table) -> None:
    from tests.kit.capacity import size_of

    row = pointer("T#" + "t" * 20, by_time(1, "0" * 26), "0" * 26, "0" * 26)

    assert size_of(row.to_dynamodb_dict()) <= 170


def test_a_page_costs_the_same_however_long_the_list_is(table: Table) -> None:
    fill(table, "ALL", 30)
    with CapacityMeter() as small:
        listing.page(table, "ALL", everything, limit=10)
    fill(table, "ALL", 300, first=30)
    with CapacityMeter() as large:
        listing.page(table, "ALL", everything, limit=10)

    assert small.of(table.name).read_units == large.of(table.name).read_units
    assert large.of(table.name).requests == 1


def test_a_time_outside_of_the_key_is_refused() -> None:
    with pytest.raises(ValueError, match="1970"):
        by_time(-1, "i")


class Lists:
    def __init__(self, lists: dict[str, list[int]]) -> None:
        self.lists, self.opened = lists, list[str]()

    def sources(self) -> list[Source]:
        return [Source(name, max(times)) for name, times in self.lists.items() if times]

    def __call__(self, name: str, limit: int, after: str | None) -> list[PointerRow]:
        self.opened.append(name)
        rows = [pointer(name, by_time(at, f"{name}{at}"), f"{name}{at}") for at in self.lists[name]]
        rows.sort(key=lambda row: row.sk, reverse=True)
        return [row for row in rows if after is None or row.sk < after][:limit]


def test_lists_are_merged_newest_first() -> None:
    lists = Lists({"a": [1, 5, 9], "b": [2, 8], "c": [3]})

    shown, following = lazy_merge(lists.sources(), lists, limit=4)

    assert [one.id for one in shown] == ["a9", "b8", "a5", "c3"]
    assert following == by_time(3, "c3")


def test_a_list_that_is_too_old_is_not_opened() -> None:
    lists = Lists({"new": [90, 91, 92, 93], "old": [1, 2], "older": [0]})

    lazy_merge(lists.sources(), lists, limit=2)

    assert lists.opened == ["new"]


def test_the_same_instant_in_two_lists_is_not_lost() -> None:
    lists = Lists({"a": [7], "b": [7], "c": [7]})

    first, after = lazy_merge(lists.sources(), lists, limit=2)
    second, end = lazy_merge(lists.sources(), lists, limit=2, after=after)

    assert [one.id for one in [*first, *second]] == ["c7", "b7", "a7"]
    assert end is None


@given(
    st.lists(st.lists(st.integers(0, 60), max_size=12, unique=True), max_size=9),
    st.integers(1, 7),
)
def test_pages_of_merged_lists_show_everything_once_in_order(times: list[list[int]], limit: int) -> None:
    lists = Lists({f"s{number}-": some for number, some in enumerate(times)})
    expected = sorted((by_time(at, f"{name}{at}") for name, some in lists.lists.items() for at in some), reverse=True)

    seen: list[str] = []
    after = None
    while True:
        shown, after = lazy_merge(lists.sources(), lists, limit=limit, after=after)
        seen += [one.sk for one in shown]
        if after is None:
            break

    assert seen == expected


@given(st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=9, unique=True), max_size=12), st.integers(1, 9))
def test_a_first_page_opens_no_more_lists_than_it_must(times: list[list[int]], limit: int) -> None:
    lists = Lists({f"s{number}-": some for number, some in enumerate(times)})

    lazy_merge(lists.sources(), lists, limit=limit)

    # Of heads in the same millisecond none is newer, so all of them have to be looked at.
    heads = sorted((source.newest for source in lists.sources()), reverse=True)
    ties = sum(head == heads[limit] for head in heads[limit + 1 :]) if len(heads) > limit else 0
    assert len(lists.opened) <= min(len(heads), limit + 1 + ties)


def test_a_counter_spreads_step_by_step_and_only_when_it_is_hot() -> None:
    assert [listing.next_step(0, 1), listing.next_step(0, 2), listing.next_step(4, 9)] == [None, 4, 16]
    assert listing.next_step(16, 9) is None


def test_a_calm_counter_is_one_number_and_a_hot_one_many() -> None:
    assert listing.any_shard(0) is None
    assert {listing.any_shard(4) for _ in range(200)} == {sk for _, sk in listing.shard_keys("P#1", 4)}


def test_an_item_always_counts_in_the_same_shard() -> None:
    assert len({listing.shard_of("item", 8) for _ in range(5)}) == 1
    assert {listing.shard_of(f"item {number}", 4) for number in range(99)} == {0, 1, 2, 3}


def test_what_the_table_leaves_unread_is_asked_for_again_and_given_up_in_the_end(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        table.put(Row(pk="P", sk=f"{number}"))
    asked: list[int] = []
    client = aws.client("dynamodb")
    honest = client.batch_get_item

    def grudging(left: int) -> Callable[..., Any]:
        def answer(**given: Any) -> Any:
            keys = given["RequestItems"][table.name]["Keys"]
            asked.append(len(keys))
            if len(asked) <= left:
                return {"Responses": {}, "UnprocessedKeys": {table.name: {"Keys": keys}}}
            return honest(**given)

        return answer

    wanted = [("P", f"{number}") for number in range(3)]
    monkeypatch.setattr(client, "batch_get_item", grudging(4))
    assert [row.sk for row in table.get_many(Row, wanted)] == ["0", "1", "2"]
    assert asked == [3] * 5

    asked.clear()
    monkeypatch.setattr(client, "batch_get_item", grudging(99))
    with pytest.raises(Busy):
        table.get_many(Row, wanted)
    assert asked == [3] * 5
