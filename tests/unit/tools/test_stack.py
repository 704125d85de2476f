"""What a local stack goes on with when it is started again."""

import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

from tools import processes, stack
from tools.say import Failure
from tools.stack import NONE, SAVED, UNSAVED, Facts, LocalStack

RAN = Facts("tessera", door_port=8000, emulator_port=4001, pid=1, edge_secret="e", persist=True, deployed="sources")


def after_a_start(folder: Path, facts: Facts) -> Facts | None:
    """What is known of the stack that ran here once another start has cleared away what it left."""
    (folder / "stack.json").write_text(json.dumps(asdict(facts)))
    return LocalStack(folder, door_port=8001, persist=True)._clear_away()


def test_data_that_was_never_saved_is_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = after_a_start(tmp_path, replace(RAN, data=UNSAVED))

    assert before is not None and not before.is_kept
    assert "killed before it could save" in capsys.readouterr().out


def test_a_first_start_that_was_interrupted_before_its_data_was_there_is_made_again(tmp_path: Path) -> None:
    before = after_a_start(tmp_path, replace(RAN, pid=0, data=NONE))

    assert before is not None and not before.is_kept


def test_what_an_earlier_run_has_saved_stays_when_a_later_one_is_killed(tmp_path: Path) -> None:
    before = after_a_start(tmp_path, replace(RAN, data=SAVED))

    assert before is not None and before.is_kept


def test_an_emulator_that_outlived_its_launcher_saves(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    left = processes.Child("emulator", command, environment=dict(os.environ), log=tmp_path / "log")

    before = after_a_start(tmp_path, replace(RAN, data=UNSAVED, children=((left.pid, left.started),)))

    assert not psutil.pid_exists(left.pid) or not left.is_alive
    assert before is not None and before.is_kept


def start(folder: Path, *, persist: bool = False, forgets: bool = False) -> None:
    """What a start asks before it makes anything."""
    (folder / "stack.json").write_text(json.dumps(asdict(replace(RAN, pid=0))))
    a_stack = LocalStack(folder, door_port=8001, persist=persist, forgets=forgets)
    a_stack._require_leave(a_stack._clear_away())


def test_kept_data_is_forgotten_only_by_who_says_so(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="kept its data") as refused:
        start(tmp_path)

    assert "PERSIST=1 make run" in refused.value.remedy and "PERSIST=0 make run" in refused.value.remedy
    start(tmp_path, persist=True)
    start(tmp_path, forgets=True)


def test_a_deployment_takes_the_place_of_code_that_was_put_in_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[str, Path]] = []
    monkeypatch.setattr(stack.sam, "deploy", lambda *_, **__: None)
    monkeypatch.setattr(stack.cloud, "apply_cors", lambda *_: None)
    monkeypatch.setattr(stack, "replace_code", lambda _, function, artifact: given.append((function, artifact)))
    (tmp_path / stack.REPLACED / "Tasks").mkdir(parents=True)

    for _ in range(2):
        stack.deploy(RAN, tmp_path / "build", tmp_path / "log")

    assert given == [("Tasks", tmp_path / "build" / "Tasks")]


def test_what_an_older_version_has_kept_is_kept(tmp_path: Path) -> None:
    facts = {name: value for name, value in asdict(RAN).items() if name != "data"}
    (tmp_path / "stack.json").write_text(json.dumps(facts))

    before = stack.read_facts(tmp_path)

    assert before is not None and before.is_kept
