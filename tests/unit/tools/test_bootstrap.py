"""What the bare interpreter is told."""

import ast
import fcntl
import threading
from collections import namedtuple
from pathlib import Path

import pytest

from tests.kit.people import until
from tools import bootstrap
from tools.paths import ROOT


def test_it_parses_on_interpreters_that_are_too_old() -> None:
    source = Path(bootstrap.__file__).read_text()

    assert ast.parse(source, feature_version=(3, 7))


def test_an_old_interpreter_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    version = namedtuple("version", "major minor micro")
    monkeypatch.setattr(bootstrap.sys, "version_info", version(3, 9, 1))

    assert bootstrap.main(["dev"]) == 1
    assert "Python 3.11 or newer is needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "lock", [*sorted((ROOT / "requirements").glob("*.txt")), *sorted((ROOT / "layers").glob("*/requirements.txt"))]
)
def test_a_lock_names_hashes_and_no_index(lock: Path) -> None:
    text = lock.read_text()

    assert "--hash=sha256:" in text
    assert "://" not in text


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A project of its own, with nothing in it."""
    monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path))
    monkeypatch.setattr(bootstrap, "STATE", str(tmp_path / ".tessera"))
    return tmp_path / ".tessera"


def test_one_makes_the_environments_while_others_wait(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[str] = []
    monkeypatch.setattr(bootstrap, "make", made.append)
    state.mkdir()
    waiting = threading.Thread(target=bootstrap.make_all, args=(["dev"],))

    with (state / "env.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        waiting.start()
        said: list[str] = []
        until(lambda: said.append(capsys.readouterr().out) or "".join(said), lambda text: "waiting" in text)
        assert made == []
    waiting.join(timeout=10)

    assert made == ["boot", "dev"]


def test_nothing_of_the_person_has_a_say_in_where_the_first_environment_gets_its_packages() -> None:
    *_, install = bootstrap._commands("boot", "place", "lock")

    # Some machines set PIP_USER for everybody, and an environment knows no user.
    assert "--no-user" in install


@pytest.mark.parametrize("running", ["run", "test"])
def test_what_runs_is_not_cleaned_away(state: Path, capsys: pytest.CaptureFixture[str], running: str) -> None:
    (state / running).mkdir(parents=True)

    with (state / running / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert bootstrap.main(["--clean"]) == 1
    assert f"`make {running}` is running here" in capsys.readouterr().err
    assert state.exists()

    assert bootstrap.main(["--clean"]) == 0
    assert not state.exists()


def test_cleaning_removes_all_that_is_made_and_nothing_that_is_kept(state: Path, tmp_path: Path) -> None:
    ignored = [line for line in (ROOT / ".gitignore").read_text().split() if line.startswith("functions/")]
    made = [tmp_path / line.replace("*", "json").replace("built/", "built/assets.json") for line in ignored]
    source = tmp_path / "functions" / "platform" / "openapi" / "routes.py"
    for path in (*made, source):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    assert made and bootstrap.main(["--clean"]) == 0
    assert [path for path in made if path.exists()] == []
    assert source.exists()
