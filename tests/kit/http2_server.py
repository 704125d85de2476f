"""A server of HTTP/2 over TLS on this machine, with a certificate of its own, that does what a test scripts.

    with HTTP2Server(tmp_path) as server:
        server.next(hang_up, says(503))
        ...
        assert [asked.connection for asked in server.journal] == [1, 2]

What is not scripted is answered with 200. `server.done()` waits until the next act is over. One that is hasty answers
a request by its head.
"""

import queue
import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import Frame, GoAwayFrame

from tessera.safehttp.gate import Gate
from tests.kit.certificates import Secure

NAME = "push.example"


@dataclass
class Asked:
    """One request, the connection that it came by, counted from 1, and the lengths of what its body came in."""

    connection: int
    stream: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: list[int] = field(default_factory=list)


class Session:
    """One connection as the server has it."""

    def __init__(self, number: int, connection: ssl.SSLSocket, settings: dict[SettingCodes, int]) -> None:
        self.number, self.socket = number, connection
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.h2.local_settings = Settings(client=False, initial_values=settings)
        self.open: dict[int, Asked] = {}
        self.is_mute = self.is_hasty = False

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def frames(self, *frames: Frame) -> None:
        """Frames as they are, whatever `h2` would think of them."""
        self.socket.sendall(b"".join(frame.serialize() for frame in frames))

    def hang_up(self) -> None:
        """At once, and seen by the other side when this returns."""
        self.socket.shutdown(socket.SHUT_RDWR)

    def hears(self, data: bytes) -> list[Asked]:
        """The requests that are whole now."""
        whole = []
        for event in self.h2.receive_data(data):
            match event:
                case events.RequestReceived(stream_id=stream, headers=headers):
                    self.open[stream] = Asked(self.number, stream, {str(name): str(value) for name, value in headers})
                    if self.is_hasty:
                        whole.append(self.open[stream])
                case events.DataReceived(stream_id=stream, data=piece, flow_controlled_length=length):
                    self.open[stream].body += piece
                    self.open[stream].pieces.append(len(piece))
                    self.h2.acknowledge_received_data(length, stream)
                case events.StreamEnded(stream_id=stream):
                    whole.append(self.open.pop(stream))
        if not self.is_mute:
            self.flush()
        return whole


Act = Callable[[Session, Asked], None]


def says(status: int, body: bytes = b"", **headers: str) -> Act:
    def act(session: Session, asked: Asked) -> None:
        answer(session, asked, status, body, **headers)
        session.flush()

    return act


def answer(session: Session, asked: Asked, status: int, body: bytes = b"", **headers: str) -> None:
    """Put an answer where `flush` takes it from."""
    named = [(":status", str(status)), *((name.replace("_", "-"), value) for name, value in headers.items())]
    session.h2.send_headers(asked.stream, named, end_stream=not body)
    for start in range(0, len(body), 10_000):
        piece = body[start : start + 10_000]
        session.h2.send_data(asked.stream, piece, end_stream=start + len(piece) == len(body))


def resets(code: ErrorCodes) -> Act:
    def act(session: Session, asked: Asked) -> None:
        session.h2.reset_stream(asked.stream, code)
        session.flush()

    return act


def leaves(*last: int) -> Act:
    """GOAWAY once for each of these, and nothing more."""

    def act(session: Session, asked: Asked) -> None:
        session.frames(*(GoAwayFrame(0, last_stream_id=stream) for stream in last))

    return act


def answers_and_leaves(session: Session, asked: Asked) -> None:
    answer(session, asked, 200)
    session.socket.sendall(session.h2.data_to_send() + GoAwayFrame(0, last_stream_id=asked.stream).serialize())


def leaves_and_answers(session: Session, asked: Asked) -> None:
    answer(session, asked, 200, b"late")
    session.socket.sendall(GoAwayFrame(0, last_stream_id=asked.stream).serialize() + session.h2.data_to_send())


def hangs_up(session: Session, asked: Asked) -> None:
    session.hang_up()


def falls_silent(session: Session, asked: Asked) -> None:
    """Answer this, and from then on nobody hears anything, though the connection stands."""
    says(200)(session, asked)
    session.is_mute = True


def is_silent(session: Session, asked: Asked) -> None:
    pass


def drips(session: Session, asked: Asked) -> None:
    """A byte now and then, for as long as anybody takes them."""
    session.h2.send_headers(asked.stream, [(":status", "200")])
    # What becomes readable is the end: nothing else is said by who waits for an answer.
    with suppress(OSError):
        while not select.select([session.socket], [], [], 0.01)[0]:
            session.h2.send_data(asked.stream, b".")
            session.flush()


class HTTP2Server:
    def __init__(
        self,
        folder: Path,
        *,
        name: str = NAME,
        alpn: Sequence[str] = ("h2",),
        greeting: bytes = b"",
        settings: dict[SettingCodes, int] | None = None,
        is_hasty: bool = False,
    ) -> None:
        secure = Secure(name)
        self.certificate, self._context = secure.certificate, secure.server(folder)
        if alpn:
            self._context.set_alpn_protocols(list(alpn))
        self._greeting, self._settings, self._is_hasty = greeting, settings or {}, is_hasty
        self.journal: list[Asked] = []
        self.errors: list[Exception] = []
        self.sessions: list[Session] = []
        self._script: deque[Act] = deque()
        # The numbers of connections that are over.
        self.ended: queue.Queue[int] = queue.Queue()
        self._done: queue.Queue[None] = queue.Queue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._begin(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for one in (self._socket, *(session.socket for session in self.sessions)):
            # Closing alone does not wake whoever waits; an `SSLSocket` would also forget its keys under a reader.
            with suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=10)
        self._socket.close()

    @property
    def origin(self) -> str:
        return f"https://{NAME}:{self.port}"

    @property
    def gate(self) -> Gate:
        """What lets a client reach it, where its name leads to."""
        return Gate(opened=frozenset([f"{NAME}:{self.port}"]))

    @staticmethod
    def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    @property
    def connections(self) -> list[int]:
        """Which connection each request came by."""
        return [asked.connection for asked in self.journal]

    def next(self, *acts: Act) -> None:
        self._script.extend(acts)

    def done(self) -> None:
        self._done.get(timeout=10)

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            self._begin(self._serve, plain)

    def _begin(self, work: Callable[..., None], *given: socket.socket) -> None:
        self._threads.append(threading.Thread(target=work, args=given, daemon=True))
        self._threads[-1].start()

    def _serve(self, plain: socket.socket) -> None:
        try:
            connection = self._context.wrap_socket(plain, server_side=True)
            if self._greeting:
                connection.sendall(self._greeting)
                connection.recv(65_536)
                connection.close()
                return
        except OSError:
            plain.close()
            return
        with self._lock:
            session = Session(len(self.sessions) + 1, connection, self._settings)
            session.is_hasty = self._is_hasty
            self.sessions.append(session)
        try:
            session.h2.initiate_connection()
            session.flush()
            while data := connection.recv(65_536):
                for asked in session.hears(data):
                    self._answer(session, asked)
        except ProtocolError as error:
            self.errors.append(error)
        except OSError:
            pass
        finally:
            connection.close()
            self.ended.put(session.number)

    def _answer(self, session: Session, asked: Asked) -> None:
        with self._lock:
            self.journal.append(asked)
            act = self._script.popleft() if self._script else says(200)
        act(session, asked)
        self._done.put(None)
