"""Many items in few requests."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from tessera import aws
from tessera.backoff import Backoff
from tessera.problems import Busy
from tessera.tables import Row, Table, item_of, key

from .side_by_side import at_once

BATCH, TRIES = 25, 8
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.020, 2.56


def put_all(table: Table, rows: Iterable[Row]) -> int:
    """Write whole items, 25 a request; nothing is asked of what stood there. How many requests."""
    return _send(table, ({"PutRequest": {"Item": item_of(row, None)}} for row in rows))


def delete_all(table: Table, keys: Iterable[tuple[str, str]]) -> int:
    return _send(table, ({"DeleteRequest": {"Key": key(pk, sk)}} for pk, sk in keys))


def _send(table: Table, requests: Iterable[dict[str, Any]]) -> int:
    remaining = iter(requests)
    batches: list[list[dict[str, Any]]] = []
    while batch := list(islice(remaining, BATCH)):
        batches.append(batch)
    at_once(lambda one: _sent(table, one), batches)
    return len(batches)


def _sent(table: Table, batch: Sequence[dict[str, Any]]) -> None:
    """Send until all is taken. Raises `Busy` when the table does not take it."""
    left = list(batch)
    backoff = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
    for _ in range(TRIES):
        try:
            answer = aws.client("dynamodb").batch_write_item(RequestItems={table.name: left})
        except aws.ClientError as error:
            if aws.code_of(error) not in aws.THROTTLED:
                raise
        else:
            left = answer.get("UnprocessedItems", {}).get(table.name, [])
        if not left:
            return
        backoff.wait()
    raise Busy()
