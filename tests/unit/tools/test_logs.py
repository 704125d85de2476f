"""`make logs`, from its first words to its last."""

from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from tools import logs
from tools.stack import Facts

FACTS = Facts(stack="tessera", door_port=8000, emulator_port=4001, pid=1, edge_secret="s", persist=False)


class Logs:
    """The log group of a stack that is stopped after one look."""

    def __init__(self) -> None:
        self.looks = 0

    def filter_log_events(self, **_: object) -> dict[str, object]:
        self.looks += 1
        if self.looks > 1:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:4001")
        lines = ['{"capability": "tasks", "message": "request"}', '{"capability": "relay", "message": "sent"}']
        return {"events": [{"logStreamName": "one", "timestamp": 0, "message": line} for line in lines]}


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    def running(_: Path) -> Facts:
        return FACTS

    monkeypatch.setattr(logs, "running", running)
    monkeypatch.setattr(logs.cloud, "leave_accounts", lambda: None)
    monkeypatch.setattr(logs.cloud, "client", lambda *_: Logs())
    monkeypatch.setattr(logs.time, "sleep", lambda _: None)


def test_a_capability_that_is_not_there_is_answered_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("C", "taks")

    assert logs.main() == 1
    assert "There is no capability `taks`. There are: " in capsys.readouterr().err


@pytest.mark.parametrize("name", ["tasks", "Tasks"])
def test_the_end_of_the_stack_is_the_end_of_its_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("C", name)

    assert logs.main() == 0
    said = capsys.readouterr().out
    assert "tasks" in said and "relay" not in said
    assert said.endswith("The local stack has stopped.\n")
