"""One process for one source: started with nothing but its task, read while it works, killed when it takes too long."""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tessera import clock

from .imaging.limits import CPU_SECONDS, MEMORY_BYTES
from .rules.codes import Code
from .rules.kinds import Kind

WALL_SECONDS, BEAT_SECONDS = 35.0, 15.0
MAX_ANSWER_BYTES = 1024 * 1024
# The program: find what its parent finds, and nothing by the environment or the folder it stands in.
_START = "import json,sys;sys.path[:]=json.loads(sys.argv[1]);__import__(sys.argv[2],fromlist=['main']).main()"
_CHILD = f"{__package__}.imaging.child"
# A decoder that falls over its input does so again.
_FAULTS = frozenset([signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGXFSZ])


class Lost(Exception):
    """It ended without saying why, and not by its input: to be tried again."""


@dataclass(frozen=True)
class Task:
    path: Path
    into: Path
    kind: Kind
    specs: str = ""
    wants_facts: bool = False
    memory_bytes: int = MEMORY_BYTES
    cpu_seconds: int = CPU_SECONDS

    def text(self) -> str:
        given = {**vars(self), "path": str(self.path), "into": str(self.into), "kind": self.kind.value}
        return json.dumps(given)


Line = dict[str, Any]


def run(task: Task, beat: Callable[[], None] = lambda: None, wall_seconds: float = WALL_SECONDS) -> Iterator[Line]:
    """What the process says, line by line; a last line `refused` when it was ended or fell. Raises `Lost`.

    `beat` is called every quarter of a minute while nothing is said.
    """
    process = _started()
    try:
        assert process.stdin is not None
        process.stdin.write(task.text().encode())
        process.stdin.close()
        ended = yield from _lines(process, beat, wall_seconds)
        if not ended:
            yield {"refused": _judged(process)}
    finally:
        _kill(process)


def _started() -> subprocess.Popen[bytes]:
    # No credentials, and no proxy or loader setting that somebody else could have made.
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return subprocess.Popen(
        [
            sys.executable,
            "-I",
            "-S",
            "-B",
            "-c",
            _START,
            json.dumps([str(Path(place).resolve()) for place in sys.path]),
            _CHILD,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1", **kept},
        start_new_session=True,
        cwd="/",
    )


def _lines(
    process: subprocess.Popen[bytes], beat: Callable[[], None], wall_seconds: float
) -> Generator[Line, None, bool]:
    """Its lines as they come; returns whether it came to its end by itself."""
    assert process.stdout is not None
    started = last_beat = clock.monotonic()
    waiting, said, ended = b"", 0, False
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while True:
            now = clock.monotonic()
            left = wall_seconds - (now - started)
            if left <= 0:
                yield {"refused": Code.TIMEOUT.value}
                return True
            if now - last_beat >= BEAT_SECONDS:
                beat()
                last_beat = now
            if not ready.select(min(left, BEAT_SECONDS)):
                continue
            piece = os.read(process.stdout.fileno(), 65_536)
            said += len(piece)
            if not piece or said > MAX_ANSWER_BYTES:
                return ended
            *whole, waiting = (waiting + piece).split(b"\n")
            for line in whole:
                found = json.loads(line)
                ended = ended or "end" in found
                yield found


def _judged(process: subprocess.Popen[bytes]) -> str:
    """Why it ended without a word. Raises `Lost`."""
    try:
        code = process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return Code.CORRUPT.value
    if -code == signal.SIGXCPU:
        return Code.TIMEOUT.value
    if -code in _FAULTS:
        return Code.CORRUPT.value
    raise Lost(f"It ended with {code}.")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The whole group, so that nothing it may have started stays."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
