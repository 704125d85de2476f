"""Lines of the logs become the life of a request."""

from typing import Any

import pytest

from localstack import traces
from localstack.traces import Mail, Step, Trace

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
REQUEST, CONSUMER = "a" * 16, "b" * 16


def line(message: str, second: float, **fields: Any) -> dict[str, Any]:
    return {
        "message": message,
        "timestamp": f"2026-11-21T12:48:{second:06.3f}+00:00",
        "trace_id": TRACE,
        "capability": "accounts",
        **fields,
    }


def request(second: float, **fields: Any) -> dict[str, Any]:
    return line("request", second, **{"method": "POST", "route": "/accounts/sign-up", "status": 202, **fields})


SIGN_UP = [
    line("relayed", 12.050, event_type="outbox.email.sent.v1", parent_id=CONSUMER, outcome="sent", oldest_age_ms=50),
    line(
        "message",
        12.010,
        kind="accounts.mail.requested.v1",
        span_id=CONSUMER,
        parent_id=REQUEST,
        capability="outbox",
        outcome="done",
        duration_ms=510,
        db_requests=6,
        db_read_units=1,
        db_write_units=24,
    ),
    line(
        "relayed", 11.000, event_type="accounts.mail.requested.v1", parent_id=REQUEST, outcome="sent", oldest_age_ms=100
    ),
    request(
        10.900, span_id=REQUEST, duration_ms=400, db_requests=4, db_read_units=1.5, db_write_units=6, cold_start=True
    ),
]


def at(second: float) -> float:
    return traces._ended_ms(line("", second))


def outline(trace: Trace) -> list[tuple[int, str, str]]:
    return [(step.depth, step.kind, step.name) for step in trace.steps]


def step_of(trace: Trace, kind: str) -> Step:
    return next(step for step in trace.steps if step.kind == kind)


def test_what_was_caused_stands_under_its_cause() -> None:
    mails = [Mail("early", "x@example.com", "Old", at(9)), Mail("m1", "x@example.com", "Hello", at(11.99))]

    trace = traces.assembled(TRACE, SIGN_UP, [*mails, Mail("late", "x@example.com", "Later", at(13))])

    assert outline(trace) == [
        (0, "request", "POST /accounts/sign-up"),
        (1, "relayed", "accounts.mail.requested.v1"),
        (2, "message", "accounts.mail.requested.v1"),
        (3, "mail", "Hello to x@example.com"),
        (3, "relayed", "outbox.email.sent.v1"),
    ]
    assert step_of(trace, "mail").mail_id == "m1"


def test_durations_and_units_are_those_of_the_lines() -> None:
    trace = traces.assembled(TRACE, SIGN_UP)

    asked, relayed = step_of(trace, "request"), step_of(trace, "relayed")
    assert (asked.began_ms, asked.took_ms, asked.cold_start) == (at(10.5), 400, True)
    assert (asked.db_requests, asked.read_units, asked.write_units) == (4, 1.5, 6)
    assert (relayed.began_ms, relayed.took_ms) == (at(10.9), 100)
    assert (trace.began_ms, trace.took_ms) == (at(10.5), at(12.05) - at(10.5))


def test_a_consumer_whose_event_was_not_relayed_here_stands_under_the_request() -> None:
    trace = traces.assembled(TRACE, [SIGN_UP[1], SIGN_UP[3]])

    assert outline(trace) == [(0, "request", "POST /accounts/sign-up"), (1, "message", "accounts.mail.requested.v1")]


def test_a_line_whose_cause_is_missing_is_shown_all_the_same() -> None:
    assert [step.depth for step in traces.assembled(TRACE, [SIGN_UP[2]]).steps] == [0]


def test_nothing_known_is_an_empty_trace() -> None:
    trace = traces.assembled(TRACE, [])

    assert (trace.steps, trace.took_ms) == ((), 0)


def test_a_malformed_trace_id_is_never_looked_for() -> None:
    assert traces.one("http://127.0.0.1:1", "tessera", 'x" || "', []).steps == ()


def test_recent_requests_come_newest_first_and_without_probes() -> None:
    lines = [
        request(1, trace_id="1" * 32),
        request(3, trace_id="3" * 32),
        request(4, route="/tasks/health"),
        request(5, route="/ready"),
        SIGN_UP[2],
    ]

    assert [found.trace_id[0] for found in traces.requests_of(lines)] == ["3", "1"]


@pytest.mark.parametrize(
    ("outcome", "is_failure"), [("200", False), ("404", False), ("503", True), ("failed", True), ("done", False)]
)
def test_a_failure_is_what_nobody_wanted(outcome: str, is_failure: bool) -> None:
    assert Step("request", "", "", 0, 0, outcome).is_failure is is_failure
