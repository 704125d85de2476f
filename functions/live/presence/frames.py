"""Cursors that move faster than anybody can look: what of it is told, and when.

A process tells of one session at most ten times a second, and of at most twenty in one frame. What comes sooner is held
in its memory, the newest over the older, and told with whatever this process is asked next about the document. Nothing
here outlives the process, and another one knows nothing of it: who reads frames goes by `v`, and the state that comes
with the next beat is kept.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tessera.recent import Recent
from tessera.settings import Bindings

EVERY_MS, SESSIONS_IN_A_FRAME = 100, 20
# What was held for longer is not where anybody is any more; the next beat says where they are.
HELD_MS, REMEMBERED_MS = 2_000, 120_000
DOCUMENTS = 500


@dataclass
class _Track:
    v: int = 0
    told_ms: int = 0
    held: dict[str, Any] = field(default_factory=dict)
    held_ms: int = 0

    def is_due(self, now_ms: int) -> bool:
        return bool(self.held) and now_ms - self.told_ms >= EVERY_MS


@dataclass(frozen=True)
class Offered:
    """The frames to be told now; and of the session that was offered, in how many milliseconds it could be told."""

    frames: list[list[dict[str, Any]]]
    again_ms: int = 0
    is_stale: bool = False


class Frames:
    """What one process has told of cursors, and what it holds back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._documents: Recent[dict[str, _Track]] = Recent(DOCUMENTS)

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls()

    def offer(self, doc: str, session_id: str, v: int, said: Mapping[str, Any], *, now_ms: int) -> Offered:
        """Take what a session says of itself at its clock `v`. What is not newer than the last is dropped."""
        with self._lock:
            tracks = self._of(doc, now_ms)
            track = tracks.setdefault(session_id, _Track())
            if v <= track.v:
                return Offered([], is_stale=True)
            track.v, track.held, track.held_ms = v, {**track.held, **said}, now_ms
            due = [(name, one) for name, one in tracks.items() if one.is_due(now_ms)]
            told = [{"session_id": name, "v": one.v, **one.held} for name, one in due]
            for _, one in due:
                one.told_ms, one.held = now_ms, {}
            starts = range(0, len(told), SESSIONS_IN_A_FRAME)
            again_ms = track.told_ms + EVERY_MS - now_ms if track.held else 0
            return Offered([told[start : start + SESSIONS_IN_A_FRAME] for start in starts], again_ms)

    def drop(self, doc: str, session_id: str) -> None:
        """Nothing more is told of it."""
        with self._lock:
            (self._documents.get(doc) or {}).pop(session_id, None)

    def _of(self, doc: str, now_ms: int) -> dict[str, _Track]:
        tracks = self._documents.get(doc) or {}
        kept = {name: one for name, one in tracks.items() if now_ms - max(one.told_ms, one.held_ms) < REMEMBERED_MS}
        for one in kept.values():
            if one.held and now_ms - one.held_ms > HELD_MS:
                one.held = {}
        self._documents.put(doc, kept)
        return kept
