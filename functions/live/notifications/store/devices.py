"""Devices that push reaches. A device is one person's: whoever registers it last."""

import base64
import hashlib

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import is_new
from tessera.problems import Busy
from tessera.tables import Table
from tessera.transact import Step, deleting, putting, transact

from .rows import SOLE, DeviceOwnerRow, DeviceRow, user_pk

MAX_DEVICES = 20
_TRIES = 8


class TooManyDevices(Exception):
    pass


class _Moved(Exception):
    """Somebody else registered it at this moment."""


class Devices:
    def __init__(self, table: Table) -> None:
        self.table = table

    def of(self, user_id: str) -> list[DeviceRow]:
        """All of somebody's. 1 request."""
        sort = Path("sk").startswith("DEV#")
        return self.table.query(DeviceRow, user_pk(user_id), sort=sort, limit=100, consistent=True).rows

    def register(self, user_id: str, platform: str, address: str, **more: str | None) -> DeviceRow:
        """Keep a device for this user and take it from whoever had it. 2 requests and 1 transaction.

        Raises `TooManyDevices`.
        """
        device_id = id_of(platform, address)
        known = self.of(user_id)
        if len(known) >= MAX_DEVICES and device_id not in {row.id for row in known}:
            raise TooManyDevices
        row = DeviceRow(
            pk=user_pk(user_id),
            sk=f"DEV#{device_id}",
            platform=platform,
            address=address,
            created_at=clock.rfc3339(clock.now()),
            **more,
        )
        for _ in range(_TRIES):
            owner = self.table.get(DeviceOwnerRow, f"UNQ#dev#{device_id}", SOLE)
            try:
                transact(putting(self.table, row), *self._taking(device_id, user_id, owner))
                return row
            except _Moved:
                continue
        raise Busy()

    def drop(self, user_id: str, device_id: str) -> bool:
        """Forget a device. 1 transaction. False when it is not this user's, or not any more."""
        mine = Path("user_id") == user_id
        steps = [
            deleting(self.table, DeviceOwnerRow, f"UNQ#dev#{device_id}", SOLE, only_if=mine, refused=_Moved()),
            deleting(self.table, DeviceRow, user_pk(user_id), f"DEV#{device_id}"),
        ]
        try:
            transact(*steps)
        except _Moved:
            return False
        return True

    def _taking(self, device_id: str, user_id: str, owner: DeviceOwnerRow | None) -> list[Step]:
        unchanged = is_new() if owner is None else Path("user_id") == owner.user_id
        claim = DeviceOwnerRow(pk=f"UNQ#dev#{device_id}", sk=SOLE, user_id=user_id)
        steps = [putting(self.table, claim, only_if=unchanged, refused=_Moved())]
        if owner is not None and owner.user_id != user_id:
            steps.append(deleting(self.table, DeviceRow, user_pk(owner.user_id), f"DEV#{device_id}"))
        return steps


def id_of(platform: str, address: str) -> str:
    """The same device always has the same id, whoever it belongs to."""
    hashed = hashlib.sha256(f"{platform}\n{address}".encode()).digest()[:20]
    return base64.b32encode(hashed).decode().lower()
