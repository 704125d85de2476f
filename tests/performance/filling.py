"""Many tasks of one owner, as the route makes them, without its time."""

from dataclasses import replace

from functions.work.tasks.rules.task import INBOX, Task
from functions.work.tasks.store.rows import row_of
from tessera import aws, clock, ids, ordering
from tessera.tables import Table, item_of

BATCH = 25


def fill(table: Table, owner_id: str, count: int) -> None:
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
    items = [item_of(row_of(replace(one, id=ids.new(), pos=place), now), None) for place in places]
    for start in range(0, count, BATCH):
        requests = [{"PutRequest": {"Item": item}} for item in items[start : start + BATCH]]
        aws.client("dynamodb").batch_write_item(RequestItems={table.name: requests})
