"""Answers about credentials take the same time whatever is wrong, so that none can be told by its time."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from math import ceil
from typing import Self

from tessera import clock
from tessera.settings import Bindings

from .config import AccountSettings


class Pace:
    """Waiting is the purpose: `wait` hides how long an answer took, `pause` lets other sign-ins give an attempt back.

    `elapsed` and the two sleeps are passed in by tests.
    """

    def __init__(
        self,
        floor_ms: int,
        step_ms: int,
        *,
        elapsed: Callable[[], float] = clock.monotonic,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._floor, self._step = floor_ms / 1000, step_ms / 1000
        self._elapsed, self._wait, self.pause = elapsed, wait, pause

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(AccountSettings)
        return cls(settings.floor_ms, settings.floor_step_ms)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Leave the block after the floor, or at the next whole step beyond it, also when it raises."""
        started = self._elapsed()
        try:
            yield
        finally:
            await self._wait(self.rest(self._elapsed() - started))

    def rest(self, elapsed: float) -> float:
        """Seconds still to wait after this many."""
        if elapsed <= self._floor:
            return self._floor - elapsed
        return ceil((elapsed - self._floor) / self._step) * self._step - (elapsed - self._floor)
