from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.platform.openapi import files
from tools import openapi
from tools.document import apps

CACHED = (files.asset_names, files.problems, files._file)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("openapi")


@pytest.fixture(scope="session", autouse=True)
def built(folder: Path) -> Iterator[dict[str, Any]]:
    """What the build makes of the functions as they stand, away from where a build of the stack would look."""
    before = files.HERE, files.BUILT
    files.HERE, files.BUILT = folder, folder / "built"
    yield openapi.write(apps.load_all(), folder)
    files.HERE, files.BUILT = before
    for kept in CACHED:
        kept.cache_clear()
