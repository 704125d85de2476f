"""What the bare interpreter is told."""

import ast
from collections import namedtuple
from pathlib import Path

import pytest

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
