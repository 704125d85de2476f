"""Demo data that is still being made when the stack is ready."""

import threading
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from tools import seed

ABSENT = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The rest is being made until this is set; then what it asks is not there."""
    stopped = threading.Event()

    async def rest(*_: Any) -> None:
        stopped.wait(10)
        raise ABSENT

    monkeypatch.setattr(seed, "_rest", rest)
    return stopped


def test_whoever_stops_the_stack_hears_nothing_of_demo_data(
    making: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    with seed.going_on(None, {"user@example.com": "token"}):  # type: ignore[arg-type]
        (thread,) = _seeding()
    making.set()
    thread.join(10)

    # A thread that ends by an exception prints its trace, and fails this test by a warning.
    assert capsys.readouterr() == ("", "")


def test_what_is_missing_while_the_stack_runs_is_said(
    making: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    with seed.going_on(None, {"user@example.com": "token"}):  # type: ignore[arg-type]
        (thread,) = _seeding()
        making.set()
        thread.join(10)

    assert "Some demo data is missing: Could not connect" in capsys.readouterr().out


def _seeding() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "_go_on" in thread.name]
