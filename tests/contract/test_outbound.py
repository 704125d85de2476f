"""Nothing reaches the outside world but through `tessera.safehttp`."""

import ast
from pathlib import Path

import pytest

from tests.kit.templates import ROOT, resources, template
from tools.templates import as_deployed

LAYER = ROOT / "layers/shared/python/tessera"
# A daemon that speaks no HTTP, at an address that only the operator can name.
OTHER_PROTOCOLS = {ROOT / "functions/files/files/scanning/clamd.py", ROOT / "functions/live/outbox/smtp.py"}
CLIENTS = frozenset(
    """http.client urllib.request urllib3 requests httpx aiohttp httpcore pycurl websockets websocket ftplib smtplib
    socket ssl telnetlib asyncio.open_connection""".split()
)


def files() -> list[Path]:
    every = [*(ROOT / "functions").glob("*/*/**/*.py"), *LAYER.rglob("*.py")]
    return sorted(
        path
        for path in every
        if (LAYER / "safehttp") not in path.parents and "__pycache__" not in path.parts and path not in OTHER_PROTOCOLS
    )


def imported(text: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def clients_in(text: str) -> set[str]:
    return {name for name in imported(text) for client in CLIENTS if name == client or name.startswith(f"{client}.")}


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_has_an_http_client(path: Path) -> None:
    assert not clients_in(path.read_text())


@pytest.mark.parametrize(
    "text",
    [
        "import http.client",
        "from http import client",
        "import urllib.request as r",
        "from httpx import get",
        "import ssl",
    ],
)
def test_an_http_client_would_be_found(text: str) -> None:
    assert clients_in(text)


def test_stand_ins_are_reached_on_a_laptop_only() -> None:
    functions = resources("template", "AWS::Serverless::Function").values()
    variables = [function["Properties"].get("Environment", {}).get("Variables", {}) for function in functions]
    variables.append(template("template")["Globals"]["Function"]["Environment"]["Variables"])
    allowed = [found["SAFEHTTP_ALLOW"] for found in variables if "SAFEHTTP_ALLOW" in found]

    assert allowed
    assert [as_deployed(value) for value in allowed] == [""] * len(allowed)
