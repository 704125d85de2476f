"""What a cold start must not load. How long it takes, `make bench` says: a busy machine must not fail a test."""

from pathlib import Path

import pytest

from tests.performance.imports import BARE, entries, load

# Heavy, or for tools and tests alone, or needed by one route, which then imports it for itself.
NEVER = frozenset(
    """aiohttp boto3 cbor2 dns duckdb h2 hpack httpx hyperframe hypothesis jsonschema localstack_client ministack
    moto numpy OpenSSL pandas PIL psutil pyarrow pytest requests s3transfer scipy sklearn strawberry uvicorn
    webauthn yaml zxcvbn""".split()
)
WEB = frozenset(["fastapi", "mangum", "starlette", "uvicorn"])


@pytest.fixture(scope="module")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bytecode")


def test_the_bare_stack_loads_nothing_that_is_forbidden(bytecode: Path) -> None:
    assert not load(BARE, bytecode).packages & NEVER


@pytest.mark.parametrize("name", entries())
def test_an_entry_loads_nothing_heavy(name: str, bytecode: Path) -> None:
    assert not load(f"import {entries()[name]}", bytecode).packages & NEVER


@pytest.mark.parametrize("name", [name for name in entries() if name.endswith(".triggers")])
def test_a_worker_loads_no_web_framework(name: str, bytecode: Path) -> None:
    assert not load(f"import {entries()[name]}", bytecode).packages & WEB


def test_what_no_function_needs_of_the_web_framework_is_not_built(bytecode: Path) -> None:
    load(
        """
import tessera.entry
from fastapi.openapi.models import OpenAPI
from pydantic import BaseModel

assert not OpenAPI.__pydantic_complete__
assert "defer_build" not in BaseModel.model_config
# Whoever needs one has it.
assert OpenAPI(openapi="3.1.0", info={"title": "One", "version": "1"}, paths={}).info.title == "One"
""",
        bytecode,
    )
