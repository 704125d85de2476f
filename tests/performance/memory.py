"""What the local stack takes when it is ready: the emulator, the process its workers come from, the door, the relay.

Workers of capabilities come on top of it, one for each that is asked, and go when they have been idle for a while.
"""

import time
from collections.abc import Iterator

import psutil

from tests.kit.people import People
from tools.stack import LocalStack

MOST_MB = 350


def when_ready(stack: LocalStack) -> str:
    # Somebody is there, so that the relay has had something to do.
    People(stack.facts.base_url, stack.facts.endpoint).admin()
    while "relay" not in dict(_parts(stack)):
        time.sleep(0.1)
    parts = {name: megabytes(process) for name, process in _parts(stack)}
    told = ", ".join(f"{name} {size:.0f}" for name, size in parts.items())
    return f"{sum(parts.values()):.0f} MB of at most {MOST_MB}: {told}"


def megabytes(process: psutil.Process) -> float:
    """What it has for itself, and its part of what it shares where the system knows that."""
    memory = process.memory_full_info()
    return float(getattr(memory, "pss", memory.uss)) / 1e6


def _parts(stack: LocalStack) -> Iterator[tuple[str, psutil.Process]]:
    emulator = psutil.Process(stack.emulator_pid)
    for pid, _ in stack.facts.children:
        yield ("emulator" if pid == emulator.pid else "door"), psutil.Process(pid)
    for child in emulator.children(recursive=True):
        if child.name().endswith("-relay"):
            yield "relay", child
        elif any(part.endswith("nursery.py") for part in child.cmdline()) and child.name().startswith("python"):
            yield "nursery", child
