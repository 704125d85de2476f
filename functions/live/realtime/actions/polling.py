"""Listening without a socket: an answer as soon as there is anything, or when the wait is over."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from tessera import clock
from tessera.seqlog import EntryRow, Head
from tessera.settings import Bindings

from ..ports import Ports
from ..protocol.event_stream import Told
from ..rules.position import Position, is_recoverable
from ..rules.tracks import Track, anchored, has_news, pauses

MOST_ENTRIES = 50
# What one answer carries at most, far from what a function may return.
MOST_BYTES = 1_000_000


class Pauses:
    """Waiting itself. Tests pass time of their own."""

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls()

    async def rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class Polled:
    """`is_crowded` where the caller wanted to wait and too many did already."""

    topics: dict[str, Told]
    is_crowded: bool = False


async def poll(
    ports: Ports, tracks: Sequence[Track], wait_seconds: float, *, pauses_of: Pauses, check: Callable[[], None]
) -> Polled:
    """What there is behind these positions, waited for as long as there is nothing.

    1 request for each look, and 1 for each topic with entries; a wait takes 3 more. `check` raises when the caller
    may not listen, and is asked again after a wait: the right may be gone by then.
    """
    check()
    heads = _heads(ports, tracks)
    if _has_any(tracks, heads) or not wait_seconds:
        return Polled(_told(ports, tracks, heads))
    place = ports.waiting.take()
    if place is None:
        return Polled(_told(ports, tracks, heads), is_crowded=True)
    try:
        heads = await _waited(ports, tracks, wait_seconds, heads, pauses_of)
    finally:
        ports.waiting.leave(place)
    check()
    return Polled(_told(ports, tracks, heads))


async def _waited(
    ports: Ports, tracks: Sequence[Track], wait_seconds: float, heads: dict[str, Head], pauses_of: Pauses
) -> dict[str, Head]:
    until = clock.millis() + round(wait_seconds * 1_000)
    for pause in pauses():
        left = (until - clock.millis()) / 1_000
        if left <= 0:
            break
        await pauses_of.rest(min(pause, left))
        heads = _heads(ports, tracks)
        if _has_any(tracks, heads):
            break
    return heads


def _heads(ports: Ports, tracks: Sequence[Track]) -> dict[str, Head]:
    return ports.live.log.heads([track.topic for track in tracks])


def _has_any(tracks: Sequence[Track], heads: dict[str, Head]) -> bool:
    return any(has_news(track, heads[track.topic]) for track in tracks)


def _told(ports: Ports, tracks: Sequence[Track], heads: dict[str, Head]) -> dict[str, Told]:
    told, left = dict[str, Told](), MOST_BYTES
    for track in tracks:
        found = _of_topic(ports, track, heads[track.topic], left)
        left -= sum(map(_size, found.entries))
        told[track.topic] = found
    return told


def _of_topic(ports: Ports, track: Track, head: Head, bytes_left: int) -> Told:
    now = Position(head.epoch, head.off)
    if track.position is None:
        return Told(now, recovered=False)
    position = anchored(track.position, head)
    if position == now:
        return Told(now, recovered=True)
    if not is_recoverable(position, head):
        return Told(now, recovered=False, lost=True)
    if bytes_left <= 0:
        # The rest is had by asking again, at once.
        return Told(position, recovered=True)
    entries = _unbroken(ports.live.log.read(track.topic, position.offset, MOST_ENTRIES, up_to=head.off), position)
    if not entries:
        return Told(now, recovered=False, lost=True)
    fitting = _fitting(entries, bytes_left)
    return Told(Position(head.epoch, fitting[-1].offset), recovered=True, entries=fitting)


def _unbroken(entries: list[EntryRow], position: Position) -> list[EntryRow]:
    """Those that follow the position one by one: a page of large entries may end before its limit."""
    found: list[EntryRow] = []
    for expected, entry in enumerate(entries, position.offset + 1):
        if entry.offset != expected:
            break
        found.append(entry)
    return found


def _fitting(entries: list[EntryRow], bytes_left: int) -> list[EntryRow]:
    """As many as there is room for, and one at least, or a large entry would never be had."""
    fitting: list[EntryRow] = []
    for entry in entries:
        bytes_left -= _size(entry)
        if fitting and bytes_left < 0:
            break
        fitting.append(entry)
    return fitting


def _size(entry: EntryRow) -> int:
    return len(entry.data.encode()) + len(entry.tags.encode()) + len((entry.info or "").encode())
