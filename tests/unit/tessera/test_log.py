"""A log line: one line of JSON whatever is in it, in UTC, tied to its trace, with no field that may not be logged."""

import json
from datetime import datetime, timedelta

import pytest

from tessera import log
from tests.kit.logs import logged


@pytest.mark.asvs("16.4.1")
@pytest.mark.parametrize(
    "value",
    ["first\nsecond", "a\r\nb", 'x","outcome":"done', "\x1b[31mred", "line\u2028break", "nul\x00", "\udc80"],
    ids=["newline", "carriage return", "quote", "escape", "separator", "nul", "surrogate"],
)
def test_nothing_in_a_value_makes_a_second_line_or_another_field(value: str) -> None:
    with logged() as written:
        log.line("request", outcome="refused", cause=value)

    (line,) = written().encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass").split("\n")[:-1]
    found = json.loads(line)
    assert (found["cause"], found["outcome"]) == (value, "refused")
    assert "\x1b" not in line and "\r" not in line


@pytest.mark.asvs("16.2.1", "16.2.4")
def test_a_line_says_when_and_in_which_work_it_was_written() -> None:
    with logged() as written, log.scope("tasks", request_id="r-1") as here:
        here.caller = "user:u-1"
        log.line("request", status=200)

    found = json.loads(written())
    assert (found["message"], found["capability"], found["request_id"]) == ("request", "tasks", "r-1")
    assert (found["trace_id"], found["span_id"], found["caller"]) == (here.trace_id, here.span_id, "user:u-1")


@pytest.mark.asvs("16.2.2")
def test_the_time_of_a_line_names_utc() -> None:
    with logged() as written:
        log.line("request", status=200)

    when = datetime.fromisoformat(json.loads(written())["timestamp"])
    assert when.utcoffset() == timedelta(0)


@pytest.mark.asvs("16.2.5")
@pytest.mark.parametrize("field", ["body", "token", "authorization", "email", "password", "query", "ip"])
def test_a_field_that_may_not_be_logged_is_refused(field: str) -> None:
    with logged() as written, pytest.raises(ValueError, match=field):
        log.line("request", **{field: "a secret"})

    assert written() == ""
