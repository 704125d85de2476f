"""The devices of the caller."""

from typing import Annotated

from fastapi import Query

from tessera import clock, ids
from tessera.cursors import InvalidCursor
from tessera.entry import Router, bound, problems
from tessera.entry.signing import Signing
from tessera.problems import NotFound
from tessera.types import Page

from ..actions import devices
from ..schemas import DeviceOut, DeviceParams
from ..store import DeviceRow
from .shared import PREFIX, TAGS, Asked, Bound, Myself, user_id_of

router = Router(prefix=f"{PREFIX}/me/devices", tags=TAGS)
Keys = Annotated[Signing, bound(Signing)]
DEVICES = "GET /accounts/me/devices"


@router.get("", responses=problems(InvalidCursor))
async def list_devices(
    asked: Annotated[DeviceParams, Query()], caller: Myself, ports: Bound, keys: Keys
) -> Page[DeviceOut]:
    """The devices that are known from a sign-in of the last 180 days, newest first."""
    state = keys.state(caller, DEVICES, asked, asked.cursor)
    rows, following = devices.page(ports, user_id_of(caller), limit=asked.limit, state=state)
    return Page(items=[_out(row) for row in rows], next=keys.cursor(caller, DEVICES, asked, following))


@router.delete("/{device_id:ulid}", status_code=204, responses=problems(NotFound))
async def remove_device(device_id: str, caller: Myself, ports: Bound, call: Asked) -> None:
    """Know a device no more: signing in on it counts, and is told of, as on a new one. Its sessions go on."""
    devices.remove(ports, user_id_of(caller), device_id, caller=caller, call=call)


def _out(row: DeviceRow) -> DeviceOut:
    return DeviceOut(
        id=row.device_id,
        name=row.name,
        created_at=clock.from_millis(ids.timestamp_ms(row.device_id)),
        last_seen_at=clock.from_millis(int(row.last_seen)),
    )
