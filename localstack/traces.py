"""A request's life, put together from the lines that the functions have logged.

What a line was caused by is told by its span: an event carries the span of the work that made it, and the work that it
causes names that span as its parent.
"""

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from localstack import logs

TRACE_ID = re.compile(r"[0-9a-f]{32}")
# Looked through one after the other until enough is found, so that a long day costs nothing.
WINDOWS_MS = (60_000, 900_000, 86_400_000)
RECENT = 50
PAGE = 1000
# Probes ask every few seconds and would hide everything else.
PROBES = ("/health", "/ready")
MAIL_SENT = "outbox.email.sent.v1"

Line = dict[str, Any]


@dataclass(frozen=True)
class Mail:
    """What is known of a mail besides its text."""

    id: str
    to: str
    subject: str
    sent_ms: float


@dataclass(frozen=True)
class Step:
    """One thing that happened; times in milliseconds since 1970."""

    kind: str
    name: str
    capability: str
    began_ms: float
    took_ms: float
    outcome: str = ""
    depth: int = 0
    db_requests: int = 0
    read_units: float = 0
    write_units: float = 0
    attempts: int = 1
    cold_start: bool = False
    mail_id: str = ""

    @property
    def ended_ms(self) -> float:
        return self.began_ms + self.took_ms

    @property
    def is_failure(self) -> bool:
        return self.outcome.startswith("5") or self.outcome in ("failed", "dead", "not its own event")


@dataclass(frozen=True)
class Trace:
    id: str
    steps: tuple[Step, ...]

    @property
    def began_ms(self) -> float:
        return min((step.began_ms for step in self.steps), default=0.0)

    @property
    def took_ms(self) -> float:
        return max((step.ended_ms for step in self.steps), default=0.0) - self.began_ms


@dataclass(frozen=True)
class Request:
    """A line of the list of recent requests."""

    trace_id: str
    step: Step


@dataclass
class _Node:
    line: Line
    step: Step
    children: list["_Node"] = field(default_factory=list)


def recent(endpoint: str, stack: str, *, now_ms: float) -> list[Request]:
    """The latest requests, newest first. 1 to 3 requests, one more for every 1,000 lines."""
    found: list[Request] = []
    for window in WINDOWS_MS:
        lines = _read(endpoint, stack, '"tessera_red"', since_ms=int(now_ms - window))
        found = requests_of(lines)
        if len(found) >= RECENT:
            break
    return found[:RECENT]


def one(endpoint: str, stack: str, trace_id: str, mails: Sequence[Mail]) -> Trace:
    """The trace of this id, without steps where nothing is known of it."""
    if not TRACE_ID.fullmatch(trace_id):
        return Trace(trace_id, ())
    lines = _read(endpoint, stack, f'"{trace_id}"', since_ms=0)
    return assembled(trace_id, [line for line in lines if line.get("trace_id") == trace_id], mails)


def requests_of(lines: Iterable[Line]) -> list[Request]:
    """The requests among these lines, newest first, without those of probes."""
    found = [
        Request(str(line.get("trace_id", "")), _step(line))
        for line in lines
        if line.get("message") == "request" and not str(line.get("route", "")).endswith(PROBES)
    ]
    return sorted(found, key=lambda request: request.step.ended_ms, reverse=True)


def assembled(trace_id: str, lines: Iterable[Line], mails: Sequence[Mail] = ()) -> Trace:
    """The steps as a tree read from above: what was caused stands under its cause, siblings by time."""
    nodes = [_Node(line, _step(line)) for line in lines]
    roots: list[_Node] = []
    for node in nodes:
        cause = _cause(node, nodes)
        (cause.children if cause else roots).append(node)
    for sent in [node for node in nodes if node.line.get("event_type") == MAIL_SENT]:
        sender = _cause(sent, nodes)
        if sender is not None:
            sender.children += _mail_of(sent, sender, mails)
    return Trace(trace_id, tuple(_flat(roots, 0)))


def _read(endpoint: str, stack: str, pattern: str, *, since_ms: int) -> list[Line]:
    seen: dict[tuple[str, int, str], Line] = {}
    while True:
        page = _client(endpoint).filter_log_events(
            logGroupName=logs.group_of(stack), filterPattern=pattern, startTime=max(0, since_ms), limit=PAGE
        )["events"]
        for event in page:
            key = (event["logStreamName"], event["timestamp"], event["message"])
            with suppress(ValueError):
                line = json.loads(event["message"])
                if isinstance(line, dict):
                    seen[key] = {**line, "at_ms": event["timestamp"]}
        # The emulator has no page tokens: the next page begins where this one ended.
        if len(page) < PAGE or page[-1]["timestamp"] == since_ms:
            return list(seen.values())
        since_ms = page[-1]["timestamp"]


@cache
def _client(endpoint: str) -> Any:
    return logs.client("logs", endpoint)


def _step(line: Line) -> Step:
    kind = str(line.get("message", ""))
    ended, took = _ended_ms(line), float(line.get("duration_ms", 0))
    if kind == "relayed":
        # From the moment the event was written to the one the bus had it.
        took = float(line.get("oldest_age_ms", 0))
    return Step(
        kind=kind,
        name=_name(kind, line),
        capability=str(line.get("capability", "")),
        began_ms=ended - took,
        took_ms=took,
        outcome=str(line.get("status", line.get("outcome", ""))),
        db_requests=int(line.get("db_requests", 0)),
        read_units=float(line.get("db_read_units", 0)),
        write_units=float(line.get("db_write_units", 0)),
        attempts=int(line.get("attempts", 1)),
        cold_start=bool(line.get("cold_start", False)),
    )


def _name(kind: str, line: Line) -> str:
    if kind == "request":
        return f"{line.get('method', '')} {line.get('route', '')}"
    return str(line.get("event_type") or line.get("kind") or line.get("where") or kind)


def _ended_ms(line: Line) -> float:
    """When the line was written; the log group knows only when the whole call was over."""
    with suppress(ValueError):
        return datetime.fromisoformat(str(line.get("timestamp", ""))).timestamp() * 1000
    return float(line.get("at_ms", 0))


def _cause(node: _Node, nodes: Sequence[_Node]) -> _Node | None:
    parent = node.line.get("parent_id")
    if not parent:
        return None
    if node.line.get("message") == "message":
        for other in nodes:
            if other.line.get("parent_id") == parent and other.line.get("event_type") == node.line.get("kind"):
                return other
    working = (other for other in nodes if other.line.get("span_id") == parent and other is not node)
    return next((other for other in working if other.line.get("message") != "relayed"), None)


def _mail_of(sent: _Node, sender: _Node, mails: Sequence[Mail]) -> list[_Node]:
    """The mail of this event. The emulator keeps no name of ours with it, so it is the last one before the event."""
    # An event's time has whole milliseconds.
    found = [mail for mail in mails if sender.step.began_ms <= mail.sent_ms <= sent.step.began_ms + 1]
    if not found:
        return []
    mail = max(found, key=lambda mail: mail.sent_ms)
    step = Step("mail", f"{mail.subject} to {mail.to}", "outbox", mail.sent_ms, 0, "sent", mail_id=mail.id)
    return [_Node({}, step)]


def _flat(nodes: Sequence[_Node], depth: int) -> Iterable[Step]:
    for node in sorted(nodes, key=lambda node: node.step.began_ms):
        yield replace(node.step, depth=depth)
        yield from _flat(node.children, depth + 1)
