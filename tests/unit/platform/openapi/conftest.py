import pytest

from functions.platform.openapi import files
from tools import openapi
from tools.document import apps


@pytest.fixture(scope="session", autouse=True)
def built() -> dict:
    """What the build makes, from the functions as they stand."""
    document = openapi.write(apps.load_all())
    for kept in (files.asset_names, files.problems, files._file):
        kept.cache_clear()
    return document
