"""How many requests may be under way at once.

The emulator starts a process of about 55 MB for every concurrent call of a function, so fifty requests at once to a
cold capability would take 3 GB. AWS has no such limit; here the rest wait their turn.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil

SMALL_MACHINE = 8 * 1000**3
LONG_POLLS = 64


def width() -> int:
    return 2 if psutil.virtual_memory().total < SMALL_MACHINE else 4


class Turnstile:
    def __init__(self, capabilities: frozenset[str], wide: int) -> None:
        self._turns = {name: asyncio.Semaphore(wide) for name in capabilities}
        self._others = asyncio.Semaphore(wide)
        self._long = asyncio.Semaphore(LONG_POLLS)

    @asynccontextmanager
    async def passing(self, capability: str, *, long_poll: bool = False) -> AsyncIterator[None]:
        """Wait for a turn, and hold it for the block. A long poll takes none from the short requests."""
        async with self._long if long_poll else self._turns.get(capability, self._others):
            yield
