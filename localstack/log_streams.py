"""The lines of a function in one stream of its log group, as those of a worker are on AWS.

The emulator begins a stream with every invocation and looks through all of them whenever somebody reads the group,
while everything else waits: seconds, after some ten thousand invocations.
"""

import threading
from contextvars import ContextVar
from typing import Any

from ministack.services import lambda_svc

_stream: ContextVar[str] = ContextVar("stream", default="")


def one_for_each_function() -> None:
    emit, new_uuid = lambda_svc._emit_lambda_logs, lambda_svc.new_uuid
    # The first two invocations of a function would each begin its stream.
    one_at_a_time = threading.RLock()

    def emitted(func: dict[str, Any], *given: Any, **named: Any) -> None:
        token = _stream.set(str((func.get("config") or func).get("FunctionName", "")))
        try:
            with one_at_a_time:
                emit(func, *given, **named)
        finally:
            _stream.reset(token)

    lambda_svc._emit_lambda_logs = emitted
    # What makes the name of a stream differ from all others.
    lambda_svc.new_uuid = lambda: _stream.get() or new_uuid()
