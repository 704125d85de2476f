"""What more than one of these tests reads, made once."""

from typing import Any

import pytest

from tools import openapi


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """The merged document of all capabilities. Nobody changes it."""
    return openapi.build()
