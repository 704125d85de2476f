"""One JSON line for each request or record, and the trace that ties them together.

A trace follows W3C Trace Context: it comes in with the request or is made here, and goes on in
events, messages and answers.
"""

import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tessera import clock

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

_TRACEPARENT = re.compile(r"^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}$")

# Only these may be logged: a body, a token or an address must never reach a log line by accident.
ALLOWED_FIELDS = frozenset(
    [
        "caller",
        "capability",
        "outcome",
        "status",
        "duration_ms",
        "method",
        "route",
        "code",
        "cold_start",
        "db_requests",
        "db_read_units",
        "db_write_units",
        "calls",
        "trace_id",
        "span_id",
        "parent_id",
        "request_id",
        "kind",
        "event_type",
        "event_id",
        "event_ids",
        "message_id",
        "attempts",
        "cause",
        "problem",
        "queue",
        "source",
        "count",
        "sent",
        "failed",
        "offset",
        "oldest_age_ms",
        "sockets",
        "fields",
        "error",
        "where",
        "stage",
        "path_class",
        "tessera_red",
        "_aws",
        "requests",
        "errors",
        "latency",
        "links",
        "stack",
        "limiter_degraded",
        "subjects_limited",
        "reminder_lag_ms",
        "mail_paused",
        "bulk_held",
        "rss_bytes",
    ]
)


def _new_trace_id() -> str:
    return secrets.token_hex(16)


@dataclass
class Scope:
    """What is known about the work at hand, shared by everything that happens inside it."""

    capability: str = ""
    request_id: str = ""
    trace_id: str = field(default_factory=_new_trace_id)
    span_id: str = field(default_factory=lambda: secrets.token_hex(8))
    parent_id: str = ""
    caller: str = ""
    cause: str = ""
    deadline: float | None = None
    depth: int = 0
    event_ids: list[str] = field(default_factory=list)

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-01"


_scope: ContextVar[Scope | None] = ContextVar("tessera_scope", default=None)


def parse_traceparent(value: str | None) -> tuple[str, str] | None:
    """`(trace id, parent span id)`, or None when the header is absent or malformed."""
    match = _TRACEPARENT.match(value or "")
    return (match[1], match[2]) if match else None


def current() -> Scope:
    """The scope of the work at hand; outside any, a fresh one that is not kept."""
    return _scope.get() or Scope()


@contextmanager
def scope(capability: str, *, traceparent: str | None = None, request_id: str = "") -> Iterator[Scope]:
    """Run a block as one unit of work of this capability."""
    known = parse_traceparent(traceparent)
    made = Scope(capability=capability, request_id=request_id)
    if known:
        made.trace_id, made.parent_id = known
    token = _scope.set(made)
    try:
        yield made
    finally:
        _scope.reset(token)


_logger: "Logger | None" = None


def line(message: str, **fields: Any) -> None:
    """Write one JSON line. A field that is not allow-listed is a defect and raises at once."""
    unknown = fields.keys() - ALLOWED_FIELDS
    if unknown:
        raise ValueError(f"These fields may not be logged: {', '.join(sorted(unknown))}.")
    logger().info(message, extra={**_known(), **fields})


def metric(name: str, value: float = 1, *, stack: str) -> dict[str, Any]:
    """Fields of a line that CloudWatch counts by itself (its embedded metric format)."""
    directive = {"Namespace": "Tessera", "Dimensions": [["stack"]], "Metrics": [{"Name": name, "Unit": "Count"}]}
    return {"_aws": {"Timestamp": clock.millis(), "CloudWatchMetrics": [directive]}, "stack": stack, name: value}


def unexpected(where: str, error: BaseException) -> None:
    """Log an error nobody expected, with its stack: the one place where a stack is written."""
    said = {**_known(), "where": where, "error": type(error).__name__}
    logger().error("unexpected", extra=said, exc_info=error)


def _known() -> dict[str, str]:
    """What the scope tells of every line written in it."""
    here = _scope.get()
    if here is None:
        return {}
    known = {
        "capability": here.capability,
        "request_id": here.request_id,
        "trace_id": here.trace_id,
        "span_id": here.span_id,
        "parent_id": here.parent_id,
        "caller": here.caller,
        "cause": here.cause,
    }
    return {key: value for key, value in known.items() if value}


def logger() -> "Logger":
    """The one logger: JSON on standard output, no sampling, no location."""
    global _logger
    if _logger is None:
        from aws_lambda_powertools import Logger

        _logger = Logger(service="tessera", location=None, utc=True, stream=sys.stdout, use_rfc3339=True)
    return _logger
