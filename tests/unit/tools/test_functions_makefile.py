"""What `functions/Makefile` puts into an artifact."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.paths import ROOT, RUNTIME


@pytest.fixture
def domain(tmp_path: Path) -> Path:
    """A domain folder with two packages, one of whose names begins the other's."""
    folder = tmp_path / "functions" / "commerce"
    for package in ("gift", "gift_cards"):
        (folder / package).mkdir(parents=True)
        (folder / package / "app.py").write_text("handler = None\n")
        (folder / package / "README.md").write_text("# for people\n")
    (folder / "Makefile").symlink_to(ROOT / "functions" / "Makefile")
    return folder


def build(domain: Path, logical_id: str, target: Path, runtime: str = RUNTIME) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "ARTIFACTS_DIR": str(target), "RUNTIME": runtime, "PYTHON": sys.executable}
    variables.pop("MAKEFLAGS", None)
    return subprocess.run(
        ["make", f"build-{logical_id}"], cwd=domain, env=variables, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("logical_id", "package"), [("Gift", "gift"), ("GiftCards", "gift_cards"), ("GiftCardsJobs", "gift_cards")]
)
def test_the_longest_package_that_begins_the_id_is_built_alone(
    domain: Path, tmp_path: Path, logical_id: str, package: str
) -> None:
    assert build(domain, logical_id, tmp_path / "out").returncode == 0

    assert [path.name for path in (tmp_path / "out").iterdir()] == [package]
    assert not (tmp_path / "out" / package / "README.md").exists()


def test_the_artifact_is_the_same_from_any_place(domain: Path, tmp_path: Path) -> None:
    for name in ("one", "a/longer/path"):
        assert build(domain, "Gift", tmp_path / name).returncode == 0

    one, other = (sorted((tmp_path / name).rglob("*.pyc")) for name in ("one", "a/longer/path"))
    assert one
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_bytecode_of_another_version_is_left_out(domain: Path, tmp_path: Path) -> None:
    assert build(domain, "Gift", tmp_path / "out", runtime="python3.99").returncode == 0

    assert not list((tmp_path / "out").rglob("*.pyc"))


def test_an_id_without_a_folder_is_named(domain: Path, tmp_path: Path) -> None:
    failed = build(domain, "Nothing", tmp_path / "out")

    assert failed.returncode != 0
    assert "No folder here is named like the function Nothing" in failed.stderr
