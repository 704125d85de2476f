"""Closing the window of a digest: what waited in it becomes one message, whoever closes it and how often."""

import hashlib

from tessera import aws, clock, ids

from ..ports import Ports
from ..rules import attempts, decide
from ..store.batches import Cancelled
from ..store.deliveries import Move
from ..store.rows import DeliveryRow
from .deliver import announce


def close(ports: Ports, bucket: str) -> None:
    """2 requests, 1 transaction for each item and one in the end. A crash is gone over again by the sweeper."""
    store, now = ports.store, clock.now()
    if not store.deliveries.close_bucket(bucket, now):
        return
    _, user_id, kind_name, channel, closes_at = bucket.split("#", 4)
    message_id = message_id_of(bucket, closes_at)
    aws.fault_point("notify.closing")
    included = _included(ports, bucket, message_id, user_id, kind_name, channel=channel)
    found = store.feed.find_all(user_id, included)
    unread = [one for one in included if one in found and not found[one].read]
    if not unread:
        store.deliveries.finish_bucket(bucket, None)
        return
    decision = decide.decide_digest(store.people.preferences(user_id), now)
    message = store.deliveries.new(message_id, channel, decision, user_id=user_id, kind=kind_name, now=now)
    message.items = unread[-attempts.DIGEST_ITEMS :][::-1]
    message.more = len(unread) - len(message.items)
    if store.deliveries.finish_bucket(bucket, message) and decision.state == "pending":
        aws.fault_point("notify.closed")
        announce(ports, message_id, channel, now)


def message_id_of(bucket: str, closes_at: str) -> str:
    """The same each time, so that two who close one window make one message."""
    millis = (clock.parse(closes_at) - clock.EPOCH).total_seconds() * 1_000
    return ids.derived(int(millis), hashlib.sha256(bucket.encode()).digest())


def _included(ports: Ports, bucket: str, message_id: str, user_id: str, kind_name: str, *, channel: str) -> list[str]:
    """What goes out with this message: each is taken by one write, unless its batch is cancelled."""
    deliveries, included = ports.store.deliveries, []
    preferences, kind = ports.store.people.preferences(user_id), ports.store.types.get(kind_name)
    is_off = kind is None or not preferences.wants(kind, channel)
    now = clock.rfc3339(clock.now())
    for one in deliveries.bucket_items(bucket):
        row = deliveries.get(one, channel)
        if row is None or row.bucket != bucket:
            continue
        if row.state == "digest" and is_off:
            deliveries.turn(row, Move("skipped", "off"))
        elif row.state == "digest" and row.expires_at and row.expires_at <= now:
            deliveries.turn(row, Move("skipped", "expired"))
        elif _takes(ports, row, message_id):
            included.append(one)
    return included


def _takes(ports: Ports, row: DeliveryRow, message_id: str) -> bool:
    """Whether it goes out with this message: by us, or by somebody else who closes the same window."""
    deliveries = ports.store.deliveries
    if row.state == "digest":
        try:
            if deliveries.include(row, message_id):
                return True
        except Cancelled:
            deliveries.turn(row, Move("cancelled", "batch"))
            return False
        # Somebody was faster: what they did with it counts.
        row = deliveries.get(row.id, row.channel) or row
    return row.state == "sent" and row.provider_id == message_id
