"""Everything that reaches a function other than HTTP: decoded, measured, one record at a time.

A record that fails is reported alone, so that the rest of its batch is not delivered again.
"""

import json
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from tessera import aws, bus, clock, log, settings
from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.transact import AlreadySeen

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class On(Generic[M]):
    """What is done with one type of event or one kind of job, and the part of it that is read."""

    name: str
    model: type[M]
    do: Callable[[M, Envelope, Bindings], None]


@dataclass(frozen=True)
class Together(Generic[M]):
    """What is done at once with all messages of one kind in a batch, given by message id.

    The ids that come back are of messages to be delivered again.
    """

    name: str
    model: type[M]
    do: Callable[[Mapping[str, M], Bindings], Collection[str]]


@dataclass(frozen=True)
class Entries:
    """The ways into a capability other than HTTP."""

    events: Sequence[On[Any]] = ()
    jobs: Sequence[On[Any]] = ()
    together: Together[Any] | None = None
    due: Callable[[DueItem, Bindings], None] | None = None
    schedules: Mapping[str, Callable[[Bindings], None]] = field(default_factory=dict)
    stream: Callable[[Sequence[dict[str, Any]], Bindings], None] | None = None
    raw: Callable[[str, Bindings], None] | None = None


class UnknownMessage(Exception):
    """Nobody here handles this message: it goes to the dead letters, where a person sees it."""


def worker(name: str, entries: Entries, environment: Mapping[str, str] = os.environ) -> Callable[[Any, Any], Any]:
    """The Lambda handler of a function that serves no HTTP: it loads no web framework."""
    settings.refuse_stray_endpoint(environment)
    bindings = Bindings({"CAPABILITY": name, **environment})

    def handle(event: dict[str, Any], context: Any) -> Any:
        return dispatch(entries, event, bindings)

    return handle


def dispatch(entries: Entries, event: dict[str, Any], bindings: Bindings) -> Any:
    """Give the event to whoever handles it; what Lambda is to be told comes back."""
    records = event.get("Records") or []
    source = records[0].get("eventSource", records[0].get("EventSource", "")) if records else ""
    if source == "aws:sqs":
        return {"batchItemFailures": [{"itemIdentifier": name} for name in _failed(entries, records, bindings)]}
    if source == "aws:dynamodb" and entries.stream is not None:
        handle_stream = entries.stream
        return _whole("stream", lambda: handle_stream(records, bindings), bindings, must=True)
    name = str(event.get("schedule", ""))
    if name in entries.schedules:
        return _whole(f"schedule {name}", lambda: entries.schedules[name](bindings), bindings)
    log.line("unknown trigger", source=source or "none", outcome="refused")
    return None


def _failed(entries: Entries, records: Sequence[dict[str, Any]], bindings: Bindings) -> list[str]:
    """The messages to be delivered again: those that failed, and what stands behind one in its own order."""
    stopped: set[str] = set()
    failed, records = _done_together(entries.together, records, bindings) if entries.together else ([], records)
    for record in records:
        group = record.get("attributes", {}).get("MessageGroupId", "")
        if group in stopped:
            failed.append(record["messageId"])
        elif not _done(_Message(entries, record, bindings)):
            failed.append(record["messageId"])
            if group:
                stopped.add(group)
    return failed


def _done_together(
    together: Together[Any], records: Sequence[dict[str, Any]], bindings: Bindings
) -> tuple[list[str], Sequence[dict[str, Any]]]:
    """The messages of the kind that is worked at once which are to be delivered again, and all other records."""
    taken: dict[str, Any] = {}
    others: list[dict[str, Any]] = []
    for record in records:
        try:
            content = json.loads(record["body"])
            if content["kind"] != together.name:
                raise UnknownMessage
            taken[record["messageId"]] = together.model.model_validate(content["data"])
        # What cannot be read is left to the usual way, which says so of it alone.
        except (ValueError, KeyError, TypeError, UnknownMessage):
            others.append(record)
    # Unless the work comes to its end, all of it comes again.
    failed = list(taken)

    def work() -> None:
        failed[:] = together.do(taken, bindings)

    if taken:
        _whole(f"batch of {together.name}", work, bindings)
    return failed, others


class _Message:
    """One message of a queue, of whichever shape: an event from the bus, a job, a due item."""

    def __init__(self, entries: Entries, record: dict[str, Any], bindings: Bindings) -> None:
        self.entries, self.bindings, self.body = entries, bindings, str(record["body"])
        self.message_id = str(record["messageId"])
        self.attempts = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        self.content: dict[str, Any] = found if isinstance(found, dict) else {}
        # What AWS itself puts on a bus has no envelope of ours: whoever takes raw messages reads it.
        self.is_event = "detail-type" in self.content and not str(self.content.get("source", "")).startswith("aws.")
        self.name = str((self.content["detail-type"] if self.is_event else self.content.get("kind")) or "")

    @property
    def trace(self) -> str:
        detail = self.content.get("detail")
        return str((detail if isinstance(detail, dict) else self.content).get("trace", ""))

    def handle(self) -> None:
        if self.is_event:
            self._give(self.entries.events, bus.envelope_of(self.content))
        elif self.name == "due" and self.entries.due is not None:
            self.entries.due(DueItem(**self.content["data"]), self.bindings)
        elif self.name:
            data = self.content.get("data", {})
            made = Envelope(self.message_id, self.name, clock.rfc3339(clock.now()), self.trace, data)
            self._give(self.entries.jobs, made)
        elif self.entries.raw is not None:
            self.entries.raw(self.body, self.bindings)
        else:
            raise UnknownMessage("The message has neither a type nor a kind.")

    def _give(self, handlers: Sequence[On[Any]], received: Envelope) -> None:
        """To everyone who reads it: what one has seen before, or cannot do, keeps it from none of the others."""
        reading = [on for on in handlers if on.name == received.type]
        if not reading:
            raise UnknownMessage(f"Nobody here handles {received.type}.")
        raised = [error for on in reading if (error := self._raised_by(on, received)) is not None]
        failed = [error for error in raised if not isinstance(error, AlreadySeen)]
        if failed:
            raise failed[0]
        if len(raised) == len(reading):
            raise raised[0]

    def _raised_by(self, on: On[Any], received: Envelope) -> Exception | None:
        try:
            on.do(on.model.model_validate(received.data), received, self.bindings)
        # It is raised again as soon as the others have had the message.
        except Exception as error:  # noqa: BLE001
            return error
        return None


def _done(message: _Message) -> bool:
    """Handle one message; True when it may be deleted."""
    capability = message.bindings.settings(settings.Settings).capability
    started = time.perf_counter()
    with log.scope(capability, traceparent=message.trace) as here, aws.metered() as meter:
        outcome = "done"
        try:
            message.handle()
        except AlreadySeen:
            outcome = "seen before"
        # Whatever goes wrong with one record must not take the others of its batch along.
        except Exception as error:  # noqa: BLE001
            outcome = "failed"
            log.unexpected(f"message {message.name}", error)
        log.line(
            "message",
            kind=message.name,
            message_id=message.message_id,
            attempts=message.attempts,
            outcome=outcome,
            duration_ms=round((time.perf_counter() - started) * 1000, 2),
            db_requests=meter.requests,
            db_read_units=meter.read_units,
            db_write_units=meter.write_units,
            event_ids=here.event_ids,
        )
        return outcome != "failed"


def _whole(what: str, do: Callable[[], Any], bindings: Bindings, *, must: bool = False) -> None:
    """Run one undivided piece of work.

    What it raises is logged and goes no further, because the next schedule tries again; a stream
    `must` be read, so there it is raised and Lambda delivers the records again.
    """
    capability = bindings.settings(settings.Settings).capability
    started = time.perf_counter()
    with log.scope(capability), aws.metered() as meter:
        outcome = "done"
        try:
            do()
        # An exception that leaves the handler ends the worker, which the next call pays for.
        except Exception as error:
            outcome = "failed"
            log.unexpected(what, error)
            if must:
                raise
        took = round((time.perf_counter() - started) * 1000, 2)
        log.line("trigger", kind=what, outcome=outcome, duration_ms=took, db_requests=meter.requests)
