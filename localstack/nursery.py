"""A process that has imported what all functions share, and becomes a worker by a fork: started by `workers.py`.

`python nursery.py SOCKET PATH...`: the socket brings the births, the paths are where the shared packages are. Imports
take nine tenths of a worker's start, and a worker that is forked has them behind it.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# What functions import before anything of their own. Nothing of it reads the environment while it is imported.
SHARED = ("botocore.handlers", "boto3", "fastapi", "mangum", "tessera.entry", "tessera.triggers", "tessera.idempotency")
# Whoever asks for a worker sends the three ends of its pipes, and one of a socket that says how long it lives.
ENDS = 4
MAX_MESSAGE_BYTES = 200_000


def main(control: socket.socket, paths: Sequence[str]) -> None:
    sys.path[0:1] = paths
    # Where a worker's output goes; what is imported here may hold on to it.
    sys.stdout = sys.stderr
    for name in SHARED:
        # What is not there is missed by the function that needs it, and said in its own log.
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # What is there now stays: no child looks through it again, and so does not come to own its pages.
    gc.freeze()
    # Nobody asks how a worker ended, so the system need not keep it.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, ends, _, _ = socket.recv_fds(control, MAX_MESSAGE_BYTES, ENDS)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            _become(json.loads(message), ends)
            return
        for end in ends:
            os.close(end)


def _become(worker: dict[str, Any], ends: Sequence[int]) -> None:
    """Be the process that the emulator would have started: its streams, its folder, its environment, its script."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, end in enumerate(ends[:3]):
        os.dup2(end, number)
        os.close(end)
    os.set_inheritable(ends[3], False)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    os.chdir(worker["folder"])
    os.environ.clear()
    os.environ.update(worker["environment"])
    script = Path(worker["script"])
    # What `ps` and `top` call it; it runs as well without.
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(worker["environment"].get("AWS_LAMBDA_FUNCTION_NAME", "worker")[:15])
    sys.argv = [str(script)]
    sys.path.insert(0, str(script.parent))
    os.write(ends[3], str(os.getpid()).encode())
    exec(compile(script.read_text(), str(script), "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
