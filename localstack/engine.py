"""The emulator, by a server that costs it half as much of a request.

Runs in the emulator's own environment, by the variables that the emulator itself reads. It is the bottleneck of the
local stack: one process, through which every call to AWS, every delivery and every invocation passes. Its own server
is written in Python down to the parsing of headers; see `docs/decisions/0008-the-emulator-on-another-server.md`.
"""

import gc
import os
import resource
import sys
from pathlib import Path

import uvicorn
from ministack import app as emulator


def main() -> None:
    # Behind everything else: nothing of this folder is to be found by an import of the emulator's.
    sys.path.append(str(Path(__file__).parents[1]))
    from localstack import deliveries, kept_streams, log_streams, one_write, sent_mail, texts, workers

    workers.install()
    texts.read_once()
    deliveries.side_by_side()
    kept_streams.with_the_functions()
    log_streams.one_for_each_function()
    one_write.for_each_answer()
    _allow_many_connections()
    # It keeps what it was told for as long as it runs, and to look through all of that takes most of a second.
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)
    uvicorn.run(
        sent_mail.told_by_address(emulator.app),
        host=os.environ["BIND_HOST"],
        port=int(os.environ["GATEWAY_PORT"]),
        loop="uvloop",
        http="httptools",
        ws="wsproto",
        log_level=os.environ["LOG_LEVEL"].lower(),
        access_log=False,
        # It gives every answer its date, and no server of AWS says which it is.
        date_header=False,
        server_header=False,
        timeout_keep_alive=75,
        # Who waits for messages of a queue waits longer than whoever has typed Ctrl-C.
        timeout_graceful_shutdown=3,
    )


def _allow_many_connections() -> None:
    """As many as the system lets this process have: many soft limits are 1,024, or 256."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        # macOS says "unlimited" and then refuses it.
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 10_240)), hard))


if __name__ == "__main__":
    main()
