"""Changing a key: its name, less of what it may do, and a new secret."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.auth import key_text
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.key_item import KeyRow, code_of
from tessera.auth.principal import Principal
from tessera.due import due_keys
from tessera.etags import StaleVersion

from ..events import KeyRotated
from ..ports import Ports
from ..rules import KeyNotActive, check_earlier, check_in_use, check_narrower, networks, next_notice
from ..store.keys import NotInUse
from ..store.rows import status_of
from .create import Made
from .given import check_manager_now, mine, of_key

TRIES = 5


def change(
    ports: Ports, key_id: str, wanted: Mapping[str, Any], *, version: int | None, caller: Principal, call: Call
) -> KeyRow:
    """1 read, 1 transaction, 1 read, and 1 internal call more for an organisation.

    `wanted` may name `name`, `scopes`, `ip_allow`, `expires_at`. Raises `NotFound`, `InsufficientScope`,
    `StaleVersion`, `KeyNotActive`, `ScopesWider`, `ExpiryLater`, `InvalidRequest`, `Unavailable`.
    """
    check_manager_now(ports, caller)
    row = mine(ports, caller, key_id)
    if version is not None and version != int(row.version):
        raise StaleVersion(f"You read version {version}; it is at {int(row.version)} now. Read it again.")
    check_in_use(status_of(row))
    changes: list[Change] = []
    told: dict[str, tuple[Any, Any]] = {}
    if wanted.get("name") is not None:
        changes.append(KeyRow.name.set(wanted["name"]))
    if wanted.get("scopes") is not None:
        before = {str(scope) for scope in row.scopes}
        check_narrower(before, wanted["scopes"])
        changes.append(KeyRow.scopes.set(set(wanted["scopes"])))
        told["scopes"] = sorted(before), sorted(wanted["scopes"])
    if "ip_allow" in wanted:
        allowed: Any = networks(wanted["ip_allow"] or [])
        changes.append(KeyRow.ip_allow.set(allowed) if allowed else KeyRow.ip_allow.remove())
    if wanted.get("expires_at") is not None:
        changes += _ending(row, wanted["expires_at"])
        told["expires_at"] = clock.rfc3339(clock.from_millis(int(row.exp))), clock.rfc3339(wanted["expires_at"])
    if not changes:
        return row
    fields = ",".join(sorted(wanted))
    entry = audit("apikeys.changed", f"key:{key_id}", by=caller, call=call, changes=told, fields=fields)
    try:
        return ports.keys.change(row, *changes, name=wanted.get("name"), event=entry)
    except NotInUse:
        raise KeyNotActive("Somebody has just revoked it.") from None


def _ending(row: KeyRow, expires_at: datetime) -> list[Change]:
    now = clock.now()
    check_earlier(clock.from_millis(int(row.exp)), expires_at, now)
    following = next_notice(expires_at, now) or expires_at
    due_pk, due_sk = due_keys(following, row.key_id)
    return [
        KeyRow.exp.set(int(expires_at.timestamp() * 1000)),
        KeyRow.due_pk.set(due_pk),
        KeyRow.due_sk.set(due_sk),
    ]


def rotate(ports: Ports, key_id: str, overlap: timedelta, *, caller: Principal, call: Call) -> Made:
    """A new secret for the same key. 1 read, 1 transaction, 1 read; more when somebody changes it just now.

    1 internal call more for an organisation. The old secret is good for the overlap; one that was old already is
    not any more. Raises `NotFound`, `InsufficientScope`, `KeyNotActive`, `StaleVersion`, `Unavailable`.
    """
    check_manager_now(ports, caller)
    for left in reversed(range(TRIES)):
        row = mine(ports, caller, key_id)
        check_in_use(status_of(row))
        try:
            return _rotated(ports, row, overlap, caller=caller, call=call)
        except NotInUse:
            raise KeyNotActive("Somebody has just revoked it.") from None
        except StaleVersion:
            if not left:
                raise
    raise AssertionError("the last try has raised")


def _rotated(ports: Ports, row: KeyRow, overlap: timedelta, *, caller: Principal, call: Call) -> Made:
    text = key_text.new("live" if row.env == "live" else "test", row.key_id)
    until = min(clock.now() + overlap, clock.from_millis(int(row.exp)))
    kept: list[Change] = [KeyRow.h2.remove(), KeyRow.h2_exp.remove()]
    if overlap:
        kept = [KeyRow.h2.set(row.h1), KeyRow.h2_exp.set(int(until.timestamp() * 1000))]
    event = KeyRotated(**of_key(row), old_until=until if overlap else None)
    seconds = int(overlap.total_seconds())
    entry = audit("apikeys.rotated", f"key:{row.key_id}", by=caller, call=call, overlap_s=seconds)
    changes = [KeyRow.h1.set(code_of(ports.mac, text)), KeyRow.last4.set(text[-4:]), *kept]
    return Made(ports.keys.change(row, *changes, event=event, also=[entry]), text)
