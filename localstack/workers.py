"""How the emulator starts the workers of functions: forked from a nursery that has imported what all of them share.

Runs in the emulator's process, on Linux; elsewhere, and for any function that does not use our layers, the emulator's
own way is left as it is. See `docs/decisions/0009-workers-are-forked.md`.
"""

import contextlib
import json
import logging
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import Empty, Queue
from types import SimpleNamespace
from typing import IO, Any

log = logging.getLogger(__name__)
PROGRAM = Path(__file__).with_name("nursery.py")
# The layers that every function has, by the files in which `make run` says where their packages are.
SHARED_LAYERS = ("shared.pth", "Dependencies.pth")
_POINTS_TO = re.compile(r'sys\.path\.insert\(0, "(.+)"\)')
# A stack that is being updated has functions with the layers of before beside those with the new ones.
NURSERIES = 2
# The first line may still be on its way through the pipe; between two lines there is no time worth speaking of.
FIRST_LINE_SECONDS, NEXT_LINE_SECONDS, AT_MOST_SECONDS = 0.05, 0.002, 0.25


class Worker:
    """A worker born in a nursery, with what the emulator uses of `Popen`."""

    def __init__(self, life: socket.socket, stdin: int, stdout: int, stderr: int) -> None:
        self._life = life
        self.stdin: IO[str] = os.fdopen(stdin, "w", buffering=1, encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(stdout, encoding="utf-8")
        self.stderr: IO[str] = os.fdopen(stderr, encoding="utf-8", errors="replace")
        self.pid = 0
        self.returncode: int | None = None

    def wait_for_birth(self) -> None:
        said = self._life.recv(32)
        if not said:
            raise OSError("The nursery ended before the worker began.")
        self.pid = int(said)

    def poll(self) -> int | None:
        return self._end(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._end(timeout)
        if code is None:
            raise subprocess.TimeoutExpired([str(self.pid)], timeout or 0)
        return code

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        # Who is gone may have left the number to another.
        if self.poll() is None:
            os.kill(self.pid, number)

    def _end(self, timeout: float | None) -> int | None:
        """Its far end of the socket is closed when it ends, however it ends. How it ended nobody knows."""
        if self.returncode is None:
            waiting = select.poll()
            waiting.register(self._life, select.POLLIN)
            if waiting.poll(None if timeout is None else timeout * 1_000):
                self.returncode = 1
        return self.returncode


class Nursery:
    """The process that workers are forked from, for the packages at these paths."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far:
            self._process = subprocess.Popen(
                [sys.executable, str(PROGRAM), str(far.fileno()), *paths],
                pass_fds=[far.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def bear(self, script: str, folder: str, environment: Mapping[str, str]) -> Worker:
        """A worker that runs this script. Raises `OSError` when there is no such nursery any more."""
        message = json.dumps({"script": script, "folder": folder, "environment": dict(environment)})
        life, far_life = socket.socketpair()
        (read_in, write_in), (read_out, write_out), (read_error, write_error) = (os.pipe() for _ in range(3))
        worker = Worker(life, write_in, read_out, read_error)
        with far_life:
            ends = [read_in, write_out, write_error, far_life.fileno()]
            try:
                socket.send_fds(self._near, [message.encode()], ends)
            finally:
                for end in ends[:3]:
                    os.close(end)
        worker.wait_for_birth()
        return worker

    def end(self) -> None:
        """No more births; the workers stay."""
        self._near.close()
        self._process.wait()


class Nurseries:
    """The nurseries there are, made when they are needed first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[tuple[str, ...], Nursery] = {}

    def start(self, command: Sequence[str], **options: Any) -> Any:
        """In the place of `Popen`."""
        paths = shared_packages(options.get("env") or {})
        if paths and command[0] == sys.executable:
            try:
                return self.of(paths).bear(command[1], options["cwd"], options["env"])
            except OSError as error:
                log.warning("A worker is started without the nursery: %s", error)
                self._forget(paths)
        return subprocess.Popen(command, **options)

    def of(self, paths: tuple[str, ...]) -> Nursery:
        with self._lock:
            if paths not in self._open:
                if len(self._open) == NURSERIES:
                    self._open.pop(next(iter(self._open))).end()
                self._open[paths] = Nursery(paths)
            return self._open[paths]

    def end(self) -> None:
        """No more workers from here; those there are stay."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].end()

    def _forget(self, paths: tuple[str, ...]) -> None:
        with self._lock:
            if nursery := self._open.pop(paths, None):
                nursery.end()


def shared_packages(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Where the packages are that this worker shares with all others; nothing when it does not have our layers."""
    found = {
        pointer.name: _POINTS_TO.search(pointer.read_text())
        for layer in environment.get("_LAMBDA_LAYERS_DIRS", "").split(os.pathsep)
        if layer
        for pointer in Path(layer).glob("python/lib/*/site-packages/*.pth")
    }
    paths = [match[1] for name in SHARED_LAYERS if (match := found.get(name))]
    return tuple(paths) if len(paths) == len(SHARED_LAYERS) else ()


def said_by(lines: Queue[str]) -> str:
    """What a worker has logged for the invocation that it has just answered.

    It writes its lines before its answer, so they are in the pipe by now and a moment is enough for whoever reads it.
    The emulator looks every millisecond for at least five, with every invocation, and so keeps all others from working.
    """
    found: list[str] = []
    with contextlib.suppress(Empty):
        found.append(lines.get(timeout=FIRST_LINE_SECONDS))
        # Something of the function's may go on talking.
        until = time.monotonic() + AT_MOST_SECONDS
        while time.monotonic() < until:
            found.append(lines.get(timeout=NEXT_LINE_SECONDS))
    return "\n".join(found)


def install() -> None:
    """From now on: forks, on a system where a process may be forked at any time, and logs without looking for them."""
    from ministack.core import lambda_runtime

    lambda_runtime.Worker._drain_stderr_bounded = lambda worker, **_: said_by(worker._stderr_queue)
    if sys.platform == "linux":
        lambda_runtime.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": Nurseries().start})
