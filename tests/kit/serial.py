"""moto answers one call at a time, as DynamoDB's items do.

It takes a whole copy of a table before a transaction and puts it back when one condition fails, so
that without this a refused transaction would undo what other threads wrote in the meantime. Threads
still interleave between calls, which is where our own races are.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.core.botocore_stubber import BotocoreStubber


@contextmanager
def one_call_at_a_time() -> Iterator[None]:
    lock, answer = threading.RLock(), BotocoreStubber.process_request

    def locked(stubber: BotocoreStubber, request: Any) -> Any:
        with lock:
            return answer(stubber, request)

    with patch.object(BotocoreStubber, "process_request", locked):
        yield
