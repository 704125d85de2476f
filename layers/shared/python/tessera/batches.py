"""Requests that carry many things at once: AWS bounds how many there are, and how long all of them are together."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

MOST_ENTRIES = 10
# The service takes 256 KB, in which it also counts what stands around each entry.
MOST_BYTES = 240_000

T = TypeVar("T")


def batches(things: Iterable[T], text_of: Callable[[T], str]) -> Iterator[list[T]]:
    """The things in their order, as many together as one request takes; what is too long by itself comes alone."""
    batch: list[T] = []
    size = 0
    for thing in things:
        more = len(text_of(thing).encode())
        if batch and (len(batch) == MOST_ENTRIES or size + more > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(thing)
        size += more
    if batch:
        yield batch
