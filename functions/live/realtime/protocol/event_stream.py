"""Server-sent events for clients without a socket: one bounded answer, after which a browser asks again by itself.

The id of each event packs the positions of all topics, so that whoever comes back with `Last-Event-ID` goes on
exactly behind the last event that reached them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tessera.seqlog import EntryRow

from ..rules.position import Position
from ..rules.tracks import pack_all
from .replies import compact, publication

RETRY_MS, RETRY_CROWDED_MS = 500, 5_000


@dataclass(frozen=True)
class Told:
    """What there is of one topic: up to where, whether nothing is missing before that, and the entries."""

    position: Position
    recovered: bool
    entries: list[EntryRow] = field(default_factory=list)
    # Whether the caller has asked from a position that cannot be gone on from.
    lost: bool = False


def stream(told: Mapping[str, Told], before: Mapping[str, Position], *, is_crowded: bool) -> str:
    """The whole answer. `before` is where each topic stood for the caller."""
    return "".join(_blocks(told, dict(before), is_crowded=is_crowded))


def _blocks(told: Mapping[str, Told], at: dict[str, Position], *, is_crowded: bool) -> Iterator[str]:
    yield f"retry: {RETRY_CROWDED_MS if is_crowded else RETRY_MS}\n\n"
    is_silent = True
    for topic, found in told.items():
        if found.lost:
            at[topic] = found.position
            data = compact({"topic": topic, "epoch": found.position.epoch, "offset": found.position.offset})
            yield _event(at, data, kind="lost")
            is_silent = False
        for entry in found.entries:
            at[topic] = Position(found.position.epoch, entry.offset)
            yield _event(at, f'{{"topic":{compact(topic)},"publication":{publication(entry)}}}')
            is_silent = False
    if is_silent:
        # A browser keeps the id of a block without data, and tells nobody of it.
        yield f": nothing new\nid: {pack_all([found.position for found in told.values()])}\n\n"


def _event(at: Mapping[str, Position], data: str, *, kind: str = "") -> str:
    named = f"event: {kind}\n" if kind else ""
    return f"id: {pack_all(list(at.values()))}\n{named}data: {data}\n\n"
