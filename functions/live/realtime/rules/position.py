"""Where in a log a client may go on from."""

from dataclasses import dataclass

from tessera.seqlog import EntryRow, Head

# Beyond this a client is better served by what it asks the capability itself for.
MOST_RECOVERED = 1_000


@dataclass(frozen=True)
class Position:
    epoch: str
    offset: int


def is_recoverable(asked: Position, head: Head, *, at_most: int = MOST_RECOVERED) -> bool:
    """Whether everything after this position can still be read."""
    return (
        asked.epoch == head.epoch and head.floor - 1 <= asked.offset <= head.off and head.off - asked.offset <= at_most
    )


def is_whole(entries: list[EntryRow], after: int, up_to: int) -> bool:
    """Whether these are all the entries after `after`, up to `up_to`."""
    return [entry.offset for entry in entries] == list(range(after + 1, up_to + 1))
