"""Accepting what is to be told: kept whole before anything of it leaves."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tessera import aws, clock, ids, queues
from tessera.idempotency import Intent
from tessera.problems import NotFound

from ..ports import Ports
from ..rules import shapes
from ..rules.kinds import WAITING, Kind, Priority
from ..rules.problems import BatchSent, DataInvalid, UnknownType
from ..store.batches import OVERDUE, PAGE
from ..store.rows import BATCH_KEPT, META, BatchRow, batch_pk, dumps, expiry


@dataclass(frozen=True)
class Wanted:
    """What somebody asks to be told, and to whom: these users, or who subscribes to a topic."""

    type: str
    users: Sequence[str] = ()
    topic: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    channels: Sequence[str] | None = None
    priority: Priority = "normal"
    send_at: datetime | None = None
    expires_at: datetime | None = None
    dedupe_key: str = ""
    actor_id: str = ""


def send(ports: Ports, wanted: Wanted, intent: Intent, *, by: str) -> tuple[BatchRow, bool]:
    """Keep a batch and set it going; whether the same request had done so before. 1 transaction.

    Raises `UnknownType`, `DataInvalid`, and what `idempotency.create` raises.
    """
    kind_of(ports, wanted.type, wanted.data)
    users = list(dict.fromkeys(wanted.users))
    made = ports.store.batches.ask(_row(intent.id, wanted, users, by), users, intent)
    if not made.replayed:
        aws.fault_point("notify.accepted")
        announce(ports, made.row)
    return made.row, made.replayed


def send_once(ports: Ports, wanted: Wanted, event_id: str) -> None:
    """The same for an event. Raises `AlreadySeen` the second time."""
    users = list(dict.fromkeys(wanted.users))
    if not users and not wanted.topic:
        return
    row = _row(event_id, wanted, users, "bus")
    ports.store.batches.ask_once(row, users)
    aws.fault_point("notify.accepted")
    announce(ports, row)


def alarm(ports: Ports, topic: str, name: str, reason: str, *, mark: str) -> None:
    """Tell those who run the service of an alarm, once for each time it goes off."""
    wanted = Wanted("operations", topic=topic, data={"title": name[:500], "detail": reason[:500]}, priority="high")
    seed = hashlib.sha256(mark.encode()).digest()
    # The alarm's own time is in the mark; only the id has to be the same each time.
    send_once(ports, wanted, ids.derived(0, seed))


def announce(ports: Ports, row: BatchRow) -> None:
    """Messages for the worker; none for what the sweeper will bring. 1 request for ten pages."""
    if row.send_at > clock.rfc3339(clock.now()):
        return
    if row.topic:
        queues.send(ports.settings.queue, "plan", {"batch_id": row.id})
    else:
        announce_pages(ports, row.id, range(int(row.pages)))


def announce_pages(ports: Ports, batch_id: str, numbers: Sequence[int]) -> None:
    bodies = (queues.message("expand", {"batch_id": batch_id, "page": number}) for number in numbers)
    queues.send_bodies(ports.settings.queue, bodies)


def kind_of(ports: Ports, name: str, data: Mapping[str, Any]) -> Kind:
    """The type, when the data fits it. Raises `UnknownType`, `DataInvalid`."""
    kind = ports.store.types.get(name)
    if kind is None:
        raise UnknownType(f"Nobody has made a type {name}.")
    faults = shapes.misfits(kind.schema, dict(data)) if kind.schema else []
    if faults:
        raise DataInvalid("Look at what the type's schema says.", errors=faults)
    return kind


def standing(ports: Ports, batch_id: str) -> tuple[BatchRow, dict[str, int]]:
    """A batch and what has become of it. 2 requests. Raises `NotFound`."""
    row = ports.store.batches.get(batch_id)
    if row is None:
        raise NotFound("There is no such batch.")
    return row, as_shown(row, ports.store.batches.counts(batch_id))


def as_shown(row: BatchRow, counts: Mapping[str, int]) -> dict[str, int]:
    """Of a cancelled batch, what waits will never leave: its worker says so one by one, and here it counts already."""
    if not row.cancelled:
        return dict(counts)
    shown: dict[str, int] = {}
    for name, count in counts.items():
        channel, _, state = name.partition("_")
        kept = f"{channel}_cancelled" if state in WAITING else name
        shown[kept] = shown.get(kept, 0) + count
    return shown


def cancel(ports: Ports, batch_id: str) -> tuple[BatchRow, dict[str, int]]:
    """Let nothing more of it leave. 2 requests and 1 transaction. Raises `NotFound`, `BatchSent`.

    What is sent and what is cancelled is decided by one write for each delivery, so it is never both.
    """
    row, _ = standing(ports, batch_id)
    if not row.cancelled:
        ports.store.batches.cancel(batch_id)
    after, counts = standing(ports, batch_id)
    if after.is_expanded and not any(name.endswith("_cancelled") for name in counts):
        raise BatchSent("All of it has left.")
    return after, counts


def _row(batch_id: str, wanted: Wanted, users: Sequence[str], by: str) -> BatchRow:
    now = clock.now()
    send_at = max(wanted.send_at or now, now)
    row = BatchRow(
        pk=batch_pk(batch_id),
        sk=META,
        type=wanted.type,
        priority=wanted.priority,
        values=dumps(dict(wanted.data)),
        channels=",".join(wanted.channels) if wanted.channels is not None else None,
        topic=wanted.topic or None,
        send_at=clock.rfc3339(send_at),
        expires_at=clock.rfc3339(wanted.expires_at) if wanted.expires_at else None,
        dedupe_key=wanted.dedupe_key or None,
        actor_id=wanted.actor_id or None,
        asked_by=by,
        created_at=clock.rfc3339(now),
        recipients=len(users),
        pages=-(-len(users) // PAGE),
        ttl=expiry(send_at, BATCH_KEPT),
    )
    row.wait_until(send_at if send_at > now else now + OVERDUE, batch_id)
    return row
