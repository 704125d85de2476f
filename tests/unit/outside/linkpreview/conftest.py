"""The capability on moto, and a site of strangers on a socket of this machine."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.outside.linkpreview.app import app
from functions.outside.linkpreview.ports import Ports
from tessera.safehttp import Gate, SafeHTTP
from tests.kit.apps import Served, serving
from tests.kit.stand_ins import Answer, Asked, WireStandIn

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480) + bytes(9)
BASE = "https://app.test"


class Site(WireStandIn):
    """Whatever is put at a path is answered there; anything else is 404."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, Answer | Callable[[Asked], Answer]] = {}

    def answer(self, asked: Asked) -> Answer:
        found = self.pages.get(asked.path, Answer(404, {"content-type": "text/html"}, b"gone"))
        return found if isinstance(found, Answer) else found(asked)

    def put(self, path: str, body: str | bytes, *, status: int = 200, **headers: str) -> str:
        """A page at this path; its URL comes back."""
        given = {"content-type": "text/html; charset=utf-8"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        content = body.encode() if isinstance(body, str) else body
        self.pages[path] = Answer(status, {name: value for name, value in given.items() if value}, content)
        return f"{self.url}{path}"

    def asked_for(self, path: str) -> list[Asked]:
        return [asked for asked in self.journal if asked.path == path]


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as found:
        yield found


@pytest.fixture
def served(cloud: None, site: Site) -> Iterator[Served]:
    with serving(app, "Linkpreview", PUBLIC_BASE_URL=BASE) as found:
        bindings = app.state.bindings
        gate = Gate(opened=frozenset([site.url.removeprefix("http://")]), own=frozenset(["app.test"]))
        bindings.replace(SafeHTTP, SafeHTTP(gate))
        yield found


@pytest.fixture
def ports(served: Served) -> Ports:
    found: Ports = app.state.bindings.get(Ports)
    return found


@pytest.fixture
def alice(served: Served) -> Any:
    return served.person()


@pytest.fixture
def sent(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str]]]:
    """Jobs that were sent, in place of a queue."""
    jobs: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(Ports, "send", lambda self, kind, data: jobs.append((kind, data)))
    return jobs


def without_waiting(ports: Ports) -> Ports:
    """Ports whose waiting takes no time."""
    return replace(ports, pause=lambda seconds: None)
