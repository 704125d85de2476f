"""`Idempotency-Key`: the same create, asked twice, makes one thing.

A key that carries its time (UUIDv7 or ULID) costs nothing: the new id is that time and a MAC of
the key, so a replay meets its own item. Any other key is kept on a record in the same transaction,
and so is one whose time will not be trusted much longer, or was not trusted until just now.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pynamodb.attributes import UnicodeAttribute

from tessera import clock, ids
from tessera.expressions import is_free, is_new
from tessera.outbox import Event
from tessera.problems import Gone, InvalidRequest, Problem
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, putting, transact

DAY_MS, AHEAD_MS = 86_400_000, 300_000
# A time nearer than this to the bounds of what is trusted may be beyond them in a replay, or have been before.
OLD_EDGE_MS, AHEAD_EDGE_MS = 3_600_000, 150_000
MAX_KEY_LENGTH = 255
R = TypeVar("R", bound=Row)


class IdempotencyMismatch(Problem):
    status, slug, title = 422, "idempotency-mismatch", "This Idempotency-Key was used for another request"


class RecordRow(Row):
    """Which item a key without a time has made."""

    item_pk = UnicodeAttribute()
    item_sk = UnicodeAttribute()


@dataclass(frozen=True)
class Intent:
    """What a create was asked with: the id it will have, and how a replay of it is known.

    `record_key` is empty where the id alone does; whoever keeps a record of their own for every key does so by `mark`.
    """

    id: str
    made_by: str
    record_key: str = ""
    key: str = ""

    @property
    def mark(self) -> str:
        """The same for each replay, however old its key has become; without a key there is none."""
        return self.key or self.id


@dataclass(frozen=True)
class Created(Generic[R]):
    """The row as it stands now, and whether an earlier request had made it."""

    row: R
    replayed: bool = False


class _Recorded(Exception):
    def __init__(self, record: Any) -> None:
        self.record = record


class _InTheWay(Exception):
    def __init__(self, old: Any) -> None:
        self.old = old


def intend(
    key: str | None, *, owner: str, route: str, body: Mapping[str, Any], mac: Callable[[bytes], bytes]
) -> Intent:
    """The intent of one create. Raises `InvalidRequest` for a key no client should send."""
    canonical = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    made_by = base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()[:15]).decode()
    if key is None:
        return Intent(ids.new(), made_by)
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise InvalidRequest(f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} printable characters.")
    tag = mac(f"{owner}\n{route}\n{key}".encode())
    mark = base64.urlsafe_b64encode(tag[:20]).decode()
    carried = ids.key_time(key)
    now = clock.millis()
    oldest, latest = now - DAY_MS, now + AHEAD_MS
    if carried is None or not oldest <= carried <= latest:
        return Intent(ids.new(), made_by, mark, mark)
    is_sure = oldest + OLD_EDGE_MS <= carried <= latest - AHEAD_EDGE_MS
    return Intent(ids.derived(carried, tag), made_by, "" if is_sure else mark, mark)


def create(table: Table, row: R, intent: Intent, *more: Step, event: Event | None = None) -> Created[R]:
    """Put the row, with whatever else belongs to it, unless the same request has done so before.

    1 write unit alone; a transaction when there is more, or when the key carries no time. Raises
    `IdempotencyMismatch` for another body, `Gone` for what was deleted since.
    """
    row.made_by = intent.made_by
    try:
        if not more and not intent.record_key:
            table.put(row, only_if=is_new(), event=event)
        else:
            # A replay is found out by these two before anything else can refuse it.
            records = [_recording(table, row, intent)] if intent.record_key else []
            transact(putting(table, row, only_if=is_new(), event=event, refused=_InTheWay), *records, *more)
    except (ConditionFailed, _InTheWay) as failed:
        return _replay(failed.old, intent)
    except _Recorded as failed:
        return _replay(_recorded_item(table, type(row), failed.record), intent)
    return Created(row)


def asked_before(table: Table, row: type[R], pk: str, sk: str, intent: Intent) -> R | None:
    """What an earlier request of this intent has made; None when this one is the first. 1 or 2 reads.

    For a create that would be refused now: its replay is answered as it was. Raises what `create` raises of it.
    """
    record = table.get(RecordRow, f"IK#{intent.record_key}", "MAIN") if intent.record_key else None
    old = table.get(row, pk, sk) if record is None else _recorded_item(table, row, record)
    return None if record is None and old is None else _replay(old, intent).row


def gone_row(row: Row) -> Row:
    """What stands at the key of something deleted, for as long as its create may be replayed."""
    ttl = int(clock.now().timestamp()) + DAY_MS // 1000
    return Row(pk=row.pk, sk=row.sk, version=int(row.version) + 1, made_by=row.made_by, gone=1, ttl=ttl)


def _recording(table: Table, row: Row, intent: Intent) -> Step:
    record = RecordRow(
        pk=f"IK#{intent.record_key}",
        sk="MAIN",
        item_pk=row.pk,
        item_sk=row.sk,
        made_by=intent.made_by,
        ttl=int(clock.now().timestamp()) + DAY_MS // 1000,
    )
    return putting(table, record, only_if=is_free(), refused=_Recorded)


def _recorded_item(table: Table, row: type[R], record: RecordRow) -> R | None:
    return table.get(row, record.item_pk, record.item_sk)


def _replay(old: Any, intent: Intent) -> Created[Any]:
    if old is None or old.gone:
        raise Gone("The request was done before, and what it made has been deleted since.")
    if old.made_by != intent.made_by:
        raise IdempotencyMismatch("Use a new key for a new request.")
    return Created(old, replayed=True)
