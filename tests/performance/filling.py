"""Many items of one kind, as the routes make them, without their time."""

from collections.abc import Sequence
from dataclasses import replace

from functions.work.tasks.rules.task import INBOX, Task
from functions.work.tasks.store.rows import row_of
from tessera import aws, clock, ids, ordering
from tessera.tables import Row, Table, item_of

BATCH = 25


def fill(table: Table, owner_id: str, count: int) -> None:
    """This many tasks of one owner."""
    now = clock.now()
    one = Task(
        id=ids.new(),
        owner_id=owner_id,
        list_id=INBOX,
        pos="a0",
        created_at=now,
        updated_at=now,
        created_by=owner_id,
        title="Buy bread",
    )
    places = ordering.several("a0", None, count)
    put_all(table, [row_of(replace(one, id=ids.new(), pos=place), now) for place in places])


def put_all(table: Table, rows: Sequence[Row]) -> None:
    for start in range(0, len(rows), BATCH):
        requests = [{"PutRequest": {"Item": item_of(row, None)}} for row in rows[start : start + BATCH]]
        aws.client("dynamodb").batch_write_item(RequestItems={table.name: requests})
