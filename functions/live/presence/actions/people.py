"""Who is online, and since when others are not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tessera import clock

from ..ports import Ports
from ..rules import Shows
from ..store.rows import SeenRow

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Seen:
    """None is what they do not show."""

    user_id: str
    online: bool | None
    last_seen_ms: int | None
    devices: int | None


def of(ports: Ports, user_ids: Sequence[str], *, by: str) -> list[Seen]:
    """What these show, in this order; oneself is shown all. 1 request. Who was never seen is offline."""
    known = ports.people.of(list(dict.fromkeys(user_ids)))
    return [_seen(user_id, known.get(user_id), is_self=user_id == by) for user_id in dict.fromkeys(user_ids)]


def shows(ports: Ports, user_id: str) -> Shows:
    row = ports.people.of([user_id]).get(user_id)
    return Shows(row.shows) if row else Shows.EVERYTHING


def connected(ports: Ports, user_id: str, told_at: str, *, is_online: bool) -> None:
    """What the hub says: somebody has come or gone. Told late or twice, the newest stands."""
    at_ms = (clock.parse(told_at) - clock.EPOCH) // _MILLISECOND
    ports.people.connected(user_id, is_online, told_at, at_ms)


def _seen(user_id: str, row: SeenRow | None, *, is_self: bool) -> Seen:
    if row is None:
        return Seen(user_id, False, None, 0)
    shown = Shows.EVERYTHING if is_self else Shows(row.shows)
    if shown is Shows.NOTHING:
        return Seen(user_id, None, None, None)
    # Somebody with a socket and no document open has a device too, though nobody counts how many.
    devices = max(int(row.devices), int(bool(row.online)))
    last_seen = int(row.last_seen) if row.last_seen is not None else None
    return Seen(user_id, devices > 0, last_seen if shown is Shows.EVERYTHING else None, devices)
