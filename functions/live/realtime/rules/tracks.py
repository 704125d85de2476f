"""Following several topics by asking again and again: where each one stands, and when to look next."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tessera.seqlog import Head

from .position import Position

MOST_TOPICS, LONGEST_WAIT_SECONDS = 10, 25
FIRST_PAUSES_SECONDS, LATER_PAUSE_SECONDS = (0.25, 0.5), 1.0
_POSITION = re.compile(r"([a-z2-7]{8})?:([0-9]{1,16})", re.ASCII)


@dataclass(frozen=True)
class Track:
    """A topic, and up to where the caller has it; None when they have nothing and ask where it stands."""

    topic: str
    position: Position | None


def pauses() -> Iterator[float]:
    """How long to wait before each look, in seconds."""
    yield from FIRST_PAUSES_SECONDS
    while True:
        yield LATER_PAUSE_SECONDS


def pack(position: Position) -> str:
    return f"{position.epoch}:{position.offset}"


def pack_all(positions: Sequence[Position]) -> str:
    return ",".join(map(pack, positions))


def unpack(text: str) -> Position:
    """The position that `pack` wrote. Raises `ValueError` for anything else."""
    found = _POSITION.fullmatch(text)
    if found is None:
        raise ValueError("A position looks like abcdefgh:17.")
    return Position(found[1] or "", int(found[2]))


def anchored(position: Position, head: Head) -> Position:
    """The position in the log of `head`.

    Before anything was written a log has no epoch. Who has seen it so may go on from the first entry, as long as
    that one is still there.
    """
    is_before_all = not position.epoch and not position.offset
    return Position(head.epoch, 0) if is_before_all and head.floor == 1 else position


def has_news(track: Track, head: Head) -> bool:
    """Whether there is anything to tell: entries, a lost position, or where the topic stands at all."""
    if track.position is None:
        return True
    return anchored(track.position, head) != Position(head.epoch, head.off)
