"""Whoever can be asked to forget somebody can be asked what they know of them."""

from pathlib import Path

import pytest

from .test_routes import APPS, environment, routes_of

__all__ = ["environment"]

# Those that have something to erase and nothing to tell.
SILENT = {
    "ratelimit": "counts how often somebody asked, under a hash, for as long as a window lasts",
    "search": "holds what its sources hold, which tell it themselves",
}
TESTS = Path(__file__).parents[1] / "unit"


def ends_of(folder: Path) -> set[str]:
    return {route.path.rpartition("/")[2] for route in routes_of(folder) if "/internal/" in route.path}


ERASERS = [folder for folder in APPS if "erase" in ends_of(folder)]


@pytest.mark.parametrize("folder", ERASERS, ids=lambda folder: folder.name)
def test_who_erases_tells_first_what_there_is(folder: Path) -> None:
    tells = "export" in ends_of(folder)

    assert tells is not (folder.name in SILENT), f"{folder.name} has erase, and export is missing or not expected."


@pytest.mark.parametrize("folder", [one for one in ERASERS if one.name not in SILENT], ids=lambda folder: folder.name)
def test_all_that_is_erased_is_held_against_what_is_told(folder: Path) -> None:
    found = list((TESTS / folder.parent.name / folder.name).rglob("test_privacy.py"))

    name = folder.name.replace("_", "-")
    assert any(f'"{name}"' in path.read_text() and "told_then_gone(" in path.read_text() for path in found)


def test_nobody_has_a_reason_for_what_is_not_so() -> None:
    assert {folder.name for folder in ERASERS} >= SILENT.keys()
