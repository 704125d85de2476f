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


def build(
    folder: Path, logical_id: str, target: Path, runtime: str = RUNTIME, **others: str
) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "ARTIFACTS_DIR": str(target), "RUNTIME": runtime, "PYTHON": sys.executable, **others}
    variables.pop("MAKEFLAGS", None)
    return subprocess.run(
        ["make", f"build-{logical_id}"], cwd=folder, env=variables, capture_output=True, text=True, check=False
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


@pytest.fixture
def awkward(tmp_path: Path) -> Path:
    """A place such as people have, with an interpreter in it."""
    folder = tmp_path / "O'Brien's ïdeas"
    folder.mkdir()
    # A link to it would lead it to what is installed beside itself.
    interpreter = folder / "python"
    interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    interpreter.chmod(0o755)
    return folder


def test_a_function_is_built_wherever_the_project_lies(domain: Path, awkward: Path) -> None:
    built = build(domain, "Gift", awkward / "out", PYTHON=str(awkward / "python"))

    assert (built.returncode, built.stderr) == (0, "")
    assert (awkward / "out" / "gift" / "app.py").exists()
    assert list((awkward / "out").rglob("*.pyc"))


@pytest.mark.parametrize(("layer", "logical_id"), [("dependencies", "Dependencies"), ("shared", "Shared")])
def test_a_local_layer_points_to_its_packages_wherever_they_lie(awkward: Path, layer: str, logical_id: str) -> None:
    folder, packages = ROOT / "layers" / layer, awkward / "packages"
    interpreter = str(awkward / "python")

    built = build(folder, logical_id, awkward / "out", PYTHON=interpreter, **{f"LOCAL_{logical_id}": str(packages)})

    assert (built.returncode, built.stderr) == (0, "")
    (pointer,) = (awkward / "out" / "python" / "lib" / RUNTIME / "site-packages").glob("*.pth")
    assert pointer.read_text() == f'import sys; sys.path.insert(0, "{packages}")\n'


def test_the_shared_layer_is_shipped_from_wherever_the_project_lies(awkward: Path) -> None:
    built = build(ROOT / "layers" / "shared", "Shared", awkward / "out", PYTHON=str(awkward / "python"))

    assert (built.returncode, built.stderr) == (0, "")
    assert list((awkward / "out" / "python" / "tessera").rglob("*.pyc"))
