"""The entries used last, for what a process remembers of keys, buckets and policies."""

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

from tessera import clock

V = TypeVar("V")


class Recent(Generic[V]):
    """At most `size` entries; the one that was not used for longest makes room.

    With `kept_ms`, an entry is forgotten that long after it was put.
    """

    def __init__(self, size: int, kept_ms: int | None = None) -> None:
        self._size, self._kept_ms, self._lock = size, kept_ms, threading.Lock()
        self._entries: OrderedDict[str, tuple[int, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, name: str) -> V | None:
        with self._lock:
            found = self._entries.get(name)
            if found is None:
                return None
            if self._kept_ms is not None and not 0 <= clock.millis() - found[0] < self._kept_ms:
                del self._entries[name]
                return None
            self._entries.move_to_end(name)
            return found[1]

    def put(self, name: str, value: V) -> None:
        with self._lock:
            self._entries[name] = (clock.millis() if self._kept_ms is not None else 0, value)
            self._entries.move_to_end(name)
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def drop(self, name: str) -> None:
        with self._lock:
            self._entries.pop(name, None)
