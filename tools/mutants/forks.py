"""Work in forks of this process, a few at a time: what is loaded is loaded once, and no work sees another's."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

# What a fork ends with that did not come to its end: neither an answer of the work nor the clock.
BROKEN = 70
OUT_OF_TIME = -signal.SIGALRM
SECONDS_BETWEEN_LOOKS = 0.02

Job = TypeVar("Job")


def in_forks(
    jobs: Sequence[Job], work: Callable[[Job], int], *, at_once: int, meanwhile: Callable[[], None]
) -> Iterator[tuple[Job, int]]:
    """Each job with what its work came out as, in the order in which they are done.

    `OUT_OF_TIME` is the end of a work that ran into its own `limit`, `BROKEN` of one that fell over. Everything that
    the work has started ends with it. `meanwhile` is called all the time.
    """
    waiting, running = list(reversed(jobs)), dict[int, Job]()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                job = waiting.pop()
                running[_fork(work, job)] = job
            for process in list(running):
                ended, status = os.waitpid(process, os.WNOHANG)
                if ended:
                    _end_group(process)
                    yield running.pop(process), os.waitstatus_to_exitcode(status)
            meanwhile()
            # Nothing tells that one of several children has ended but asking.
            time.sleep(SECONDS_BETWEEN_LOOKS)
    finally:
        for process in running:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            _end_group(process)


def limit(seconds: float) -> None:
    """From now on this fork has so much time; the system ends it, whatever its threads wait for."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _fork(work: Callable[[Job], int], job: Job) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process:
        return process
    outcome = BROKEN
    try:
        # A group of its own, so that what it starts can be ended with it.
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        outcome = work(job)
    finally:
        os._exit(outcome)


def _end_group(process: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)
