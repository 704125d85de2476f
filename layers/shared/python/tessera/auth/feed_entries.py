"""The entries of the revocation feed, as they are kept and as they are read: some or many thousands at once."""

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from tessera import aws, clock
from tessera.tables import Row, Table

FEED_PK = "REV"
HEAD = ("SNAP", "HEAD")
# Beyond so many entries a cold start takes longer by reading them than by reading them packed.
PACKED_ABOVE = 20_000
# Packed, an entry takes about 30 bytes and one of an organisation 50; an item of DynamoDB holds 400 KB.
PART_ENTRIES = 6_000
# Two writers may commit out of the order of their clocks; entries are idempotent, so some are read again.
OVERLAP_MS = 30_000
COLD_START_MS = 20 * 60_000
# What was packed longer ago is of little use. The sweeper packs every minute.
FRESH_MS = 5 * 60_000
KEPT_SECONDS = 1_800


class FeedRow(Row):
    k = UnicodeAttribute()
    id = UnicodeAttribute()
    min_ep = NumberAttribute(null=True)


class HeadRow(Row):
    """The newest pack: when reading for it began, and in how many parts it lies under `SNAP#<at>`."""

    at = NumberAttribute()
    parts = NumberAttribute()


class PartRow(Row):
    packed = BinaryAttribute(legacy_encoding=False)


class Entry(NamedTuple):
    """`lowest` is the epoch below which nothing is good, None when nothing is; times in milliseconds and seconds."""

    kind: str
    subject: str
    lowest: int | None
    written_ms: int
    expires: int


def since(table: Table, since_ms: int) -> Iterator[list[Entry]]:
    """Entries that were written after that moment, a page at a time. 1 request a page."""
    return (entries for entries, _ in _pages(table, since_ms))


def cold(table: Table) -> Iterator[list[Entry]]:
    """Everything that may still count, for a process that knows nothing yet.

    1 request a page, which holds some 9,000 entries; when there is more than one, 1 more to look for a pack, and then
    that and what was written after it.
    """
    for number, (page, more) in enumerate(_pages(table, clock.millis() - COLD_START_MS)):
        yield page
        if more and number == 0 and (packed := _last_pack(table)) is not None:
            at, entries = packed
            yield entries
            yield from since(table, at - OVERLAP_MS)
            return


def pack(table: Table) -> int:
    """Put a long feed together for cold starts to read; returns how many entries, 0 for a feed that is short.

    As many reads as the feed has pages, 1 write for 6,000 entries, 1 more. The head goes last: until then the pack
    before it counts.
    """
    at = clock.millis()
    entries = [entry for page in since(table, at - COLD_START_MS) for entry in page]
    if len(entries) <= PACKED_ABOVE:
        return 0
    expires = at // 1000 + KEPT_SECONDS
    parts = [entries[start : start + PART_ENTRIES] for start in range(0, len(entries), PART_ENTRIES)]
    for number, part in enumerate(parts):
        table.put(PartRow(pk=f"SNAP#{at:013d}", sk=f"{number:04d}", packed=_packed(part), ttl=expires))
    aws.fault_point("feed.packed")
    table.put(HeadRow(pk=HEAD[0], sk=HEAD[1], at=at, parts=len(parts), ttl=expires))
    return len(entries)


def _pages(table: Table, since_ms: int) -> Iterator[tuple[list[Entry], bool]]:
    """Each page, and whether another one comes after it."""
    # The plain client and not `Table`: a cold start may bring ten thousand entries, and making
    # a row of each would cost more than reading them.
    query: dict[str, Any] = {
        "TableName": table.name,
        "KeyConditionExpression": "pk = :pk AND sk > :since",
        "ExpressionAttributeValues": {":pk": {"S": FEED_PK}, ":since": {"S": f"{max(since_ms, 0):013d}"}},
    }
    while True:
        page = aws.client("dynamodb").query(**query)
        following = page.get("LastEvaluatedKey")
        yield [_entry(item) for item in page["Items"]], bool(following)
        if not following:
            return
        query["ExclusiveStartKey"] = following


def _last_pack(table: Table) -> tuple[int, list[Entry]] | None:
    """When it was begun, and all that is in it; None when there is none of late, or not all of it."""
    head = table.get(HeadRow, *HEAD)
    if head is None or clock.millis() - int(head.at) >= FRESH_MS:
        return None
    rows = list(table.query_all(PartRow, f"SNAP#{int(head.at):013d}"))
    if len(rows) != int(head.parts):
        return None
    return int(head.at), [Entry(*fields) for row in rows for fields in json.loads(zlib.decompress(row.packed))]


def _packed(entries: Sequence[Entry]) -> bytes:
    return zlib.compress(json.dumps(entries, separators=(",", ":")).encode(), level=9)


def _entry(item: dict[str, dict[str, Any]]) -> Entry:
    return Entry(
        item["k"]["S"],
        item["id"]["S"],
        int(item["min_ep"]["N"]) if "min_ep" in item else None,
        int(item["sk"]["S"].partition("#")[0]),
        int(item["ttl"]["N"]),
    )
