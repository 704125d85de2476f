"""What all tests of a run share, for one at a time: they are in several processes."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from tools.paths import STATE


@contextmanager
def alone_with(what: str) -> Iterator[None]:
    """Waits for whoever has it. A process that ends, however it does, has it no more."""
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / f"{what}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
