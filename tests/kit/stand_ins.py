"""A base for stand-ins of outside providers: real sockets, scripted faults, and a journal of what was asked.

A stand-in speaks its provider's wire format, so that our adapters are tested down to the socket:

    class Rates(WireStandIn):
        def answer(self, asked):
            return Answer.json({"base": asked.query["base"], "rates": {"USD": 1.1}})

    with Rates() as rates:
        rates.next(Fault.status(503), Fault.hang_up())
        ...
        assert [asked.path for asked in rates.journal] == ["/latest"] * 3
"""

import json
import socket
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> "Answer":
        return cls(status, {"content-type": "application/json", **headers}, json.dumps(value).encode())


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request instead of its answer."""

    kind: str
    answer: Answer = Answer()

    @classmethod
    def status(cls, status: int, **headers: str) -> "Fault":
        return cls("answer", Answer(status, headers))

    @classmethod
    def garbage(cls) -> "Fault":
        """A good status and a body that is not what was promised."""
        return cls("answer", Answer(200, {"content-type": "application/json"}, b"<html>"))

    @classmethod
    def hang_up(cls) -> "Fault":
        """The connection ends without a byte."""
        return cls("hang up")

    @classmethod
    def cut_short(cls) -> "Fault":
        """More is announced than comes."""
        return cls("cut short")

    @classmethod
    def silence(cls) -> "Fault":
        """Nothing comes until the stand-in closes: the caller's own time limit must end it."""
        return cls("silence")


class WireStandIn:
    """Serves on a free port of loopback inside a `with` block."""

    def __init__(self) -> None:
        self.journal: list[Asked] = []
        self._script: deque[Fault] = deque()
        self._closing = threading.Event()

    def answer(self, asked: Asked) -> Answer:
        """What the provider would say. Subclasses say it."""
        raise NotImplementedError

    def next(self, *faults: Fault) -> None:
        """Let the next requests fail like this, in this order; those after them are answered."""
        self._script.extend(faults)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        # It looks this often whether it is to end, which every test that used it waits for.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("content-length") or 0)
        parts = urlsplit(request.path)
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Asked(request.command, parts.path, dict(parse_qsl(parts.query)), headers, request.rfile.read(length))
        self.journal.append(asked)
        fault = self._script.popleft() if self._script else None
        if fault is None:
            _send(request, self.answer(asked))
        elif fault.kind == "answer":
            _send(request, fault.answer)
        elif fault.kind == "cut short":
            _send(request, Answer(200, {}, b"only this"), announced=1_000)
            _end(request)
        elif fault.kind == "silence":
            self._closing.wait()
        else:
            _end(request)


def _handler_of(stand_in: WireStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """The journal is kept instead."""

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"):
        setattr(Handler, f"do_{method}", lambda self: stand_in.handle(self))
    return Handler


def _send(request: BaseHTTPRequestHandler, answer: Answer, *, announced: int | None = None) -> None:
    request.send_response(answer.status)
    for name, value in answer.headers.items():
        request.send_header(name, value)
    request.send_header("content-length", str(len(answer.body) if announced is None else announced))
    request.end_headers()
    request.wfile.write(answer.body)


def _end(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True
    request.connection.shutdown(socket.SHUT_RDWR)
