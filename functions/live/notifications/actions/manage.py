"""What those who run notifications do: look at dead letters and bring them back, and erase somebody."""

from collections.abc import Iterable, Sequence

from tessera import clock, queues
from tessera.problems import NotFound
from tessera.tables import Row
from tessera.transact import telling, transact

from .. import events
from ..ports import Ports
from ..rules.kinds import OUTSIDE
from ..rules.problems import NotRedrivable
from ..store.rows import BucketItemRow, DeliveryRow, user_pk
from .deliver import announce

ERASED_AT_ONCE = 100


def redrive(ports: Ports, delivery_id: str) -> DeliveryRow:
    """Give a dead letter all its attempts again. 1 request and 1 transaction. Raises `NotFound`, `NotRedrivable`."""
    notification_id, _, channel = delivery_id.rpartition("-")
    row = ports.store.deliveries.get(notification_id, channel) if channel in OUTSIDE else None
    if row is None:
        raise NotFound("There is no such delivery.")
    now = clock.now()
    if row.state not in ("dead", "failed") or not ports.store.deliveries.revive(row, now):
        raise NotRedrivable(f"The delivery is {row.state}; only a dead or failed one can be sent again.")
    announce(ports, notification_id, channel, now)
    row.state = "pending"
    return row


def redrive_messages(ports: Ports, at_most: int) -> int:
    """Another try for what no worker could read. How many messages come back."""
    return queues.redrive(ports.settings.dead_queue, ports.settings.queue, at_most=at_most)


def delivery_id_of(row: DeliveryRow) -> str:
    return f"{row.id}-{row.channel}"


def erase(ports: Ports, user_id: str, addresses: Sequence[str]) -> tuple[bool, int]:
    """Delete some of what somebody has: whether all is gone, and how many went. To be asked until done."""
    store, erased = ports.store, 0
    for device in store.devices.of(user_id):
        erased += store.devices.drop(user_id, device.id)
    store.people.forget_number(user_id)
    for address in addresses:
        store.people.forget_address(address, user_id)
    topics = store.topics.of(user_id, ERASED_AT_ONCE, None).rows
    for topic in topics:
        store.topics.remove(str(topic.gs1_sk), [user_id])
    deliveries = store.deliveries.of_user(user_id, ERASED_AT_ONCE, None).rows
    for delivery in deliveries:
        if delivery.bucket:
            erased += _delete(ports, store.table.query(BucketItemRow, delivery.bucket).rows)
    erased += _delete(ports, deliveries)
    rows = store.table.query(Row, user_pk(user_id), limit=ERASED_AT_ONCE, consistent=True).rows
    erased += _delete(ports, rows)
    done = not topics and not deliveries and len(rows) < ERASED_AT_ONCE
    if done:
        transact(telling(store.table, events.DataErased(owner_id=user_id, capability="notifications")))
    return done, erased


def _delete(ports: Ports, rows: Iterable[Row]) -> int:
    count = 0
    for row in rows:
        ports.store.table.delete(type(row), row.pk, row.sk)
        count += 1
    return count
