"""Lists as partitions of small pointers, many such lists read as one, and counters that spread when they are hot.

A pointer is written in the transaction of what it points to, so a strong read of a list sees the writer's own write.
A page costs the page: one query for pointers and one batch for what they point to, whatever the table holds.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from tessera.tables import Row, Table

# A page whose pointers lead nowhere is filled up by at most this many more rounds.
REFILLS = 2
# How many shards a counter has, from calm to hot.
STEPS = (0, 4, 16)
# A writer who met this many conflicts in one call spreads the counter for everybody after.
HOT_CONFLICTS = 2
_MILLIS_DIGITS = 13

C = TypeVar("C")


class PointerRow(Row):
    """Where a thing stands in a list: its id, and who made it."""

    id = UnicodeAttribute()
    a = UnicodeAttribute(null=True)


class ShardRow(Row):
    """One shard of a counter."""

    count = NumberAttribute(default=0)


def list_pk(name: str) -> str:
    return f"L#{name}"


def by_time(millis: int, item_id: str) -> str:
    """The sort key of a list by time. The same instant and id sort alike in every list."""
    if not 0 <= millis < 10**_MILLIS_DIGITS:
        raise ValueError("A list by time holds instants of the years 1970 to 2286.")
    return f"{millis:0{_MILLIS_DIGITS}d}#{item_id}"


def pointer(name: str, sort: str, item_id: str, author_id: str | None = None) -> PointerRow:
    return PointerRow(pk=list_pk(name), sk=sort, id=item_id, a=author_id)


@dataclass(frozen=True)
class Listed(Generic[C]):
    """A page; `next` is the sort key of the last pointer that was read, None when there are no more."""

    items: list[C]
    next: str | None


def page(
    table: Table,
    name: str,
    show: Callable[[Sequence[PointerRow]], Mapping[str, C]],
    *,
    limit: int,
    after: str | None = None,
    consistent: bool = False,
) -> Listed[C]:
    """The newest entries of a list after this sort key. 1 query, and whatever `show` costs, mostly.

    `show` makes of pointers what is shown, by id; what it leaves out is skipped, and the page filled up by at most
    2 more rounds. A page may then still hold less than `limit` and have a next one.
    """
    shown: list[C] = []
    for _ in range(1 + REFILLS):
        wanted = limit - len(shown)
        found = read(table, name, limit=wanted + 1, after=after, consistent=consistent)
        pointers, more = found[:wanted], len(found) > wanted
        by_id = show(pointers) if pointers else {}
        shown += [by_id[one.id] for one in pointers if one.id in by_id]
        after = pointers[-1].sk if pointers else after
        if not more:
            return Listed(shown, None)
        if len(shown) == limit:
            break
    return Listed(shown, after)


def read(
    table: Table, name: str, *, limit: int, after: str | None = None, consistent: bool = False
) -> list[PointerRow]:
    """Pointers of a list, newest first. 1 query for some 7 000 of them."""
    sort = Path("sk") < after if after is not None else None
    rows: list[PointerRow] = []
    start = None
    while True:
        found = table.query(
            PointerRow,
            list_pk(name),
            sort=sort,
            limit=limit - len(rows),
            after=start,
            newest_first=True,
            consistent=consistent,
        )
        rows += found.rows
        start = found.next
        if start is None or len(rows) >= limit:
            return rows[:limit]


@dataclass(frozen=True)
class Source:
    """One of several lists: its name, and a time that none of its entries is newer than, in milliseconds."""

    name: str
    newest: int


def lazy_merge(
    sources: Iterable[Source],
    read_some: Callable[[str, int, str | None], Sequence[PointerRow]],
    *,
    limit: int,
    after: str | None = None,
) -> tuple[list[PointerRow], str | None]:
    """The newest entries of all sources together, and where the next page starts.

    Sources are opened newest first, each only while it may hold something newer than the last entry found so far: on
    a first page that is at most one more than there are sources, or than entries asked for. `after` is a sort key,
    good for every source because all sort by the same one.
    """
    found: dict[str, PointerRow] = {}
    waiting = sorted(sources, key=lambda source: source.newest, reverse=True)
    for source in waiting:
        newest_first = sorted(found, reverse=True)
        # `~` sorts behind every id, so that this is the last place of that millisecond.
        if len(newest_first) > limit and by_time(source.newest, "~") < newest_first[limit]:
            break
        for one in read_some(source.name, limit + 1, after):
            found[one.sk] = one
    order = sorted(found, reverse=True)
    shown = [found[sort] for sort in order[:limit]]
    return shown, shown[-1].sk if len(order) > limit else None


def shard_of(item_id: str, shards: int) -> int:
    """Always the same shard for an item, so that what it has added it takes away again there."""
    return int.from_bytes(hashlib.sha256(item_id.encode()).digest()[:4]) % shards


def any_shard(shards: int) -> str | None:
    """The sort key of the shard to count in this time; None while the counter is one number on its item."""
    return f"N#{secrets.randbelow(shards)}" if shards else None


def shard_keys(pk: str, shards: int) -> list[tuple[str, str]]:
    return [(pk, f"N#{number}") for number in range(shards)]


def next_step(shards: int, conflicts: int) -> int | None:
    """How many shards the counter shall have after a call that met so many conflicts; None to leave it."""
    higher = [step for step in STEPS if step > shards]
    return higher[0] if conflicts >= HOT_CONFLICTS and higher else None
