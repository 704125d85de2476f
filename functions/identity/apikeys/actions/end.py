"""Ending keys: revoked by whoever may, found where they should not be, or run out."""

from collections.abc import Sequence
from typing import Literal

from tessera import clock
from tessera.auth import key_text
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.key_item import MAIN, KeyRow, is_of
from tessera.auth.principal import ANONYMOUS, Principal
from tessera.due import DueItem

from ..events import KeyExpiring, KeyLeaked, KeyRevoked
from ..ports import Ports
from ..rules import IN_USE, Status, days_left, next_notice
from .given import mine, of_key

Reason = Literal["asked", "by_staff", "leaked", "owner_gone"]
# Who acts when a clock or an event does.
SELF = Principal(kind="service", id="apikeys")


def revoke(ports: Ports, key_id: str, *, caller: Principal, call: Call) -> KeyRow:
    """At once and for good; a key that has ended already stays as it is. 1 read, 1 transaction, 1 read.

    Raises `NotFound`, `InsufficientScope`.
    """
    row = mine(ports, caller, key_id)
    _revoked(ports, row, "asked", by=caller, call=call)
    return ports.keys.get(key_id)


def revoke_any(ports: Ports, key_id: str, *, caller: Principal, call: Call) -> KeyRow:
    """As `revoke`, by staff. Raises `NotFound`."""
    _revoked(ports, ports.keys.get(key_id), "by_staff", by=caller, call=call)
    return ports.keys.get(key_id)


def revoke_all(
    ports: Ports, owner_id: str, *, reason: Reason, caller: Principal = SELF, call: Call | None = None
) -> int:
    """Every key of an owner; how many there were. 2 requests, and 1 transaction each."""
    return sum(_revoked(ports, row, reason, by=caller, call=call) for row in ports.keys.in_use(owner_id))


def revoke_leaked(ports: Ports, texts: Sequence[str], *, call: Call) -> None:
    """Whoever has a key may end it. 1 read for all that are written like keys, 1 transaction for each that is one."""
    parsed = [key for key in map(key_text.parse, texts) if key is not None]
    found = ports.keys.named(dict.fromkeys(key.name for key in parsed)) if parsed else []
    rows = {key_text.name_of(row.key_id): row for row in found}
    for key in parsed:
        row = rows.get(key.name)
        if row is not None and is_of(ports.mac, row, key):
            _revoked(ports, row, "leaked", by=ANONYMOUS, call=call)


def come_due(ports: Ports, item: DueItem) -> None:
    """The end of a key comes nearer, or has come. 1 read, 1 write. A second delivery changes nothing."""
    row = ports.keys.table.get(KeyRow, item.pk, MAIN)
    if row is None or row.due_pk != item.due_pk or row.status not in IN_USE:
        return
    expires_at = clock.from_millis(int(row.exp))
    days = days_left(expires_at, item.due)
    event = KeyExpiring(**of_key(row), days=days, expires_at=expires_at)
    if days > 0:
        ports.keys.notify(row, item.due_pk, next_notice(expires_at, item.due), event)
        return
    entry = audit("apikeys.expired", f"key:{row.key_id}", by=SELF, owner=row.owner_id)
    ports.keys.end(row, Status.EXPIRED, event=event, also=[entry])


def _revoked(ports: Ports, row: KeyRow, reason: Reason, *, by: Principal, call: Call | None) -> bool:
    if row.status not in IN_USE:
        return False
    entry = audit("apikeys.revoked", f"key:{row.key_id}", by=by, call=call, owner=row.owner_id, cause=reason)
    event = KeyRevoked(**of_key(row), reason=reason)
    leaked = [KeyLeaked(**of_key(row))] if reason == "leaked" else []
    return ports.keys.end(row, Status.REVOKED, event=event, also=[entry, *leaked])
