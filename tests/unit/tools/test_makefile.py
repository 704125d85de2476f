"""What the Makefile hands on to the tools."""

import os
import subprocess
from pathlib import Path

import pytest

from tools.paths import ROOT

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
OTHERS = ("makeflags", "uv_cache_dir")


@pytest.mark.parametrize(
    ("set_by_the_person", "handed_on"),
    [
        ({"HTTP_PROXY": "http://proxy:3128"}, "127.0.0.1,localhost"),
        ({"https_proxy": "http://proxy:3128"}, "127.0.0.1,localhost"),
        ({"http_proxy": "http://proxy:3128", "no_proxy": ".example.com"}, ".example.com,127.0.0.1,localhost"),
        ({"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": ".example.com"}, ".example.com,127.0.0.1,localhost"),
        # On macOS a variable of this kind would hide the proxies of the system's settings.
        ({}, ""),
    ],
)
def test_what_listens_here_is_reached_without_a_proxy(
    tmp_path: Path, set_by_the_person: dict[str, str], handed_on: str
) -> None:
    said = recipe(tmp_path, 'echo "$$no_proxy|$$NO_PROXY"', set_by_the_person)

    assert said == f"{handed_on}|{handed_on}"


def test_packages_are_kept_here_where_the_home_folder_takes_none(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.touch()

    said = recipe(tmp_path, 'echo "$$UV_CACHE_DIR"', {"HOME": str(home), "XDG_CACHE_HOME": ""})

    assert said == str(tmp_path / ".tessera" / "cache")


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_packages_are_kept_where_all_projects_have_them(tmp_path: Path, variable: str) -> None:
    assert recipe(tmp_path, 'echo "$$UV_CACHE_DIR"', {"XDG_CACHE_HOME": "", variable: str(tmp_path)}) == ""


def test_whoever_names_a_place_for_packages_has_them_there(tmp_path: Path) -> None:
    chosen = {"HOME": "/dev/null", "XDG_CACHE_HOME": "", "UV_CACHE_DIR": str(tmp_path / "mine")}

    assert recipe(tmp_path, 'echo "$$UV_CACHE_DIR"', chosen) == str(tmp_path / "mine")


@pytest.mark.parametrize("variable", ["PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONOPTIMIZE"])
def test_what_is_meant_for_another_python_does_not_reach_ours(tmp_path: Path, variable: str) -> None:
    assert recipe(tmp_path, f'echo "$${variable}"', {variable: "1"}) == ""


def recipe(folder: Path, command: str, variables: dict[str, str]) -> str:
    """What this line of the Makefile would print, in a shell with these variables and no other of their kind."""
    makefile = folder / "Makefile"
    makefile.write_text(f"include {ROOT / 'Makefile'}\nline:\n\t@{command}\n")
    others = {key: value for key, value in os.environ.items() if key.lower() not in (*PROXIES, *OTHERS)}
    done = subprocess.run(
        ["make", "--no-print-directory", "-f", makefile, "line"],
        cwd=folder,
        env={**others, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
