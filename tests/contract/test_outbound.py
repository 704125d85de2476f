"""Nothing reaches the outside world but through `tessera.safehttp`."""

import ast
from pathlib import Path

import pytest

from functions.live.notifications.providers import apns
from tests.kit.sources import nodes
from tests.kit.templates import ROOT, resources, template
from tools.templates import as_deployed

LAYER = ROOT / "layers/shared/python/tessera"
# A daemon that speaks no HTTP, at an address that only the operator can name; and Apple, which takes HTTP/2 alone, at
# hosts that are written in the code. Looking them up, judging, dialling and securing is left to `tessera.safehttp`.
APPLE = ROOT / "functions/live/notifications/providers/http2"
OTHER_PROTOCOLS = {
    ROOT / "functions/files/files/scanning/clamd.py",
    ROOT / "functions/live/outbox/smtp.py",
    *(APPLE / f"{name}.py" for name in ("client", "connection", "messages")),
}
CLIENTS = frozenset(
    """http.client urllib.request urllib3 requests httpx h2 aiohttp httpcore pycurl websockets websocket ftplib smtplib
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
    for node in nodes(text):
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
        "from h2.connection import H2Connection",
    ],
)
def test_an_http_client_would_be_found(text: str) -> None:
    assert clients_in(text)


def test_no_frame_is_sent_to_what_safehttp_has_not_dialled() -> None:
    """Apple's client makes no connection of its own, and its hosts are none that anybody could give."""
    for path in sorted(APPLE.glob("*.py")):
        assert {name.partition(".")[0] for name in clients_in(path.read_text())} <= {"h2", "ssl"}

    assert (apns.HOST, apns.SANDBOX) == ("api.push.apple.com", "api.sandbox.push.apple.com")


def test_stand_ins_are_reached_on_a_laptop_only() -> None:
    functions = resources("template", "AWS::Serverless::Function").values()
    variables = [function["Properties"].get("Environment", {}).get("Variables", {}) for function in functions]
    variables.append(template("template")["Globals"]["Function"]["Environment"]["Variables"])
    allowed = [found["SAFEHTTP_ALLOW"] for found in variables if "SAFEHTTP_ALLOW" in found]

    assert allowed
    assert [as_deployed(value) for value in allowed] == [""] * len(allowed)
