"""Everything that `accounts` itself knows of a user, in the words of its own routes. No secret is in it."""

from collections.abc import Iterator
from typing import Any

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.tables import Row, Table

from .factor_rows import PasskeyRow
from .life_rows import ACTIVITY, ActivityRow
from .rows import DeviceRow, FamilyRow, UserRow

PROFILE = (
    *("user_id", "email", "status", "name", "handle", "locale", "timezone", "avatar_file_id", "bio"),
    *("metadata", "app_metadata", "plan"),
)


def everything_of(table: Table, user: UserRow) -> dict[str, Any]:
    """1 query a kind, and 1 more per further page."""
    return {
        "profile": {
            **{field: getattr(user, field) for field in PROFILE},
            "roles": sorted(user.roles),
            "second_factors": sorted(user.mfa or ()),
            "has_password": user.pw is not None,
            "password_changed_at": _at(user.pw_at),
            "created_at": _at(user.created),
            "updated_at": _at(user.updated),
        },
        "sessions": [_session(row) for row in _rows(table, FamilyRow, user, "F#")],
        "former_handles": [row.sk.removeprefix("H#") for row in _rows(table, Row, user, "H#")],
        "devices": [_device(row) for row in _rows(table, DeviceRow, user, "D#")],
        "passkeys": [_passkey(row) for row in _rows(table, PasskeyRow, user, "P#")],
        "activity": [_entry(row) for row in _rows(table, ActivityRow, user, ACTIVITY)],
    }


def _rows(table: Table, kind: type[Row], user: UserRow, prefix: str) -> Iterator[Any]:
    return table.query_all(kind, user.pk, sort=Path("sk").startswith(prefix), consistent=True)


def _session(row: FamilyRow) -> dict[str, Any]:
    return {
        "id": row.family_id,
        "client_id": row.client_id,
        "device_name": row.device,
        "place": row.ip_trunc,
        "status": row.status,
        "methods": sorted(row.amr),
        "created_at": _at(row.created),
        "last_seen_at": _at(row.rot_at),
    }


def _device(row: DeviceRow) -> dict[str, Any]:
    return {"id": row.device_id, "name": row.name, "last_seen_at": _at(row.last_seen)}


def _passkey(row: PasskeyRow) -> dict[str, Any]:
    return {
        "id": row.passkey_id,
        "name": row.name,
        "aaguid": row.aaguid,
        "backed_up": bool(row.bs),
        "created_at": _at(row.created),
        "used_at": _at(row.used_at),
    }


def _entry(row: ActivityRow) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ("action", "at", "by", "place", "session_id", "detail")}
    return {name: value for name, value in told.items() if value is not None}


def _at(millis: Any) -> str | None:
    return None if millis is None else clock.rfc3339(clock.from_millis(int(millis)))
