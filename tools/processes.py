"""Children of the launcher: started in sessions of their own, ended with everything they started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tools.say import Failure


class Child:
    """A long-running child. Ctrl-C does not reach it: the launcher ends it, in order."""

    def __init__(self, name: str, command: Sequence[str | Path], *, environment: Mapping[str, str], log: Path) -> None:
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started = started(self._process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.is_alive:
                raise Failure(f"The {self.name} ended with code {self._process.returncode}.", log=self.log)
            if time.monotonic() > deadline:
                told = f"The {self.name} was not ready after {seconds:.0f} s."
                raise Failure(told, log=self.log, remedy="`make doctor` says what this machine lacks.")
            # Nothing tells that a port is open but trying it.
            time.sleep(0.05)

    def stop(self, *, seconds: float = 10) -> bool:
        """End it; did it end by itself, in so long?"""
        ended = end(self.pid, self.started, seconds=seconds)
        self._process.wait()
        return ended


def give_way(pid: int) -> None:
    """Let a process, and what it starts from now on, run only while nothing else wants to."""
    if sys.platform == "linux":
        # Whoever wakes takes its place at once, which even the lowest priority does not promise.
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
    else:
        psutil.Process(pid).nice(19)


def started(pid: int) -> float:
    """When this process began, which tells it from a later one with the same number."""
    return float(psutil.Process(pid).create_time())


def end(pid: int, started: float, *, seconds: float = 10) -> bool:
    """End this process and its descendants: first itself, which may want to save, then what is left of the rest.

    False when it was not there, or had to be killed.
    """
    try:
        process = psutil.Process(pid)
        # Numbers are used again: another process may have this one by now. One that nobody waits for keeps its own.
        if abs(process.create_time() - started) > 1 or process.status() == psutil.STATUS_ZOMBIE:
            return False
        family = process.children(recursive=True)
        process.terminate()
        ended, _ = psutil.wait_procs([process], timeout=seconds)
        family += process.children(recursive=True) if process.is_running() else []
    except psutil.NoSuchProcess:
        return False
    left = [member for member in [process, *family] if member.is_running()]
    for member in left:
        with _gone_is_fine():
            member.kill()
    psutil.wait_procs(left, timeout=5)
    return bool(ended)


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except psutil.NoSuchProcess:
        return


def run(command: Sequence[str | Path], *, environment: Mapping[str, str], log: Path, cwd: Path, what: str) -> None:
    """Run a command to its end, its output in `log`; a failure carries the last lines."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        child = subprocess.Popen(
            [str(part) for part in command],
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = child.wait()
        except BaseException:
            # Interrupted: the command must not outlive us.
            os.killpg(child.pid, signal.SIGTERM)
            child.wait()
            raise
    if code != 0:
        raise Failure(f"{what} ended with code {code}.", log=log)


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block like Ctrl-C does, so that its clean-up runs.

    SIGINT is named too: a shell starts background jobs with it ignored, and Python leaves it so.
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
