"""One HTTP/2 connection, for one request at a time. Whatever is wrong with it, it is not used again."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from h2 import events
from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.exceptions import FrameTooLargeError, H2Error, ProtocolError
from h2.settings import SettingCodes, Settings

from tessera import clock
from tessera.safehttp import Fetched
from tessera.safehttp.problems import TookTooLong
from tessera.safehttp.wire import Budget

from ..outcomes import Unsure
from ..wire import MAX_BYTES
from .messages import Answer, NotProcessed, Request

HEADER_BYTES = 16_384
# Of all that comes during one request, frames and headers too: a flood of what means nothing is not read to its end.
MOST_BYTES = 4 * MAX_BYTES
FRAME_HEAD, CHUNK = 9, 65_536


class Lost(Exception):
    """The connection is of no use any more: `timeout`, `connection-broke`, `not-http2`."""


class Connection:
    def __init__(self, made: ssl.SSLSocket) -> None:
        self._socket = made
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding="latin-1"))
        known = {SettingCodes.ENABLE_PUSH: 0, SettingCodes.MAX_HEADER_LIST_SIZE: HEADER_BYTES}
        self._h2.local_settings = Settings(client=True, initial_values=known)
        self._h2.decoder.max_header_list_size = HEADER_BYTES
        self._unread, self._room = bytearray(), MOST_BYTES
        self.used_at, self.is_ending, self.is_reusable = clock.monotonic(), False, False

    def begin(self, budget: Budget) -> None:
        """Nothing is asked before the server has shown by its settings that it speaks HTTP/2. Raises `Lost`."""
        with _told():
            self._h2.initiate_connection()
            self._await(events.RemoteSettingsChanged, budget)
            if self.is_ending:
                raise ProtocolError("It goes away before it is used.")

    def ping(self, budget: Budget) -> None:
        """Whether anybody is there. Raises `Lost`."""
        with _told():
            self._room = MOST_BYTES
            self._h2.ping(b"are you?")
            self._await(events.PingAckReceived, budget)

    def catch_up(self) -> None:
        """Hear what was said since the last answer, without waiting for more. Raises `Lost`."""
        with _told(), suppress(ssl.SSLWantReadError):
            self._room = MOST_BYTES
            self._socket.settimeout(0)
            while True:
                self._take(self._socket.recv(CHUNK))

    def ask(self, request: Request, budget: Budget) -> Fetched:
        """Raises `NotProcessed` or `Unsure`."""
        self._room, self.is_reusable = MOST_BYTES, False
        try:
            with _told():
                stream = self._h2.get_next_available_stream_id()
                self._h2.send_headers(stream, request.head(), end_stream=not request.body)
                rest = self._send(stream, request.body, budget)
        except Lost as lost:
            # Its end did not get out, and before that there is nothing to process.
            raise NotProcessed(str(lost)) from lost
        answer = Answer(stream)
        try:
            with _told():
                while not answer.is_whole:
                    self._hear(answer, budget)
                    # What is whole stays so, whatever becomes of the connection.
                    if not answer.is_whole:
                        rest = self._send(stream, rest, budget)
        except Lost as lost:
            raise Unsure(str(lost)) from lost
        self.used_at, self.is_reusable = clock.monotonic(), not (answer.is_cut or rest)
        return answer.fetched(request)

    def close(self) -> None:
        self._socket.close()

    def _hear(self, answer: Answer, budget: Budget) -> None:
        for event in self._read(budget):
            if not answer.is_whole:
                answer.take(event)
            if isinstance(event, events.DataReceived) and event.flow_controlled_length:
                self._h2.acknowledge_received_data(event.flow_controlled_length, answer.stream)

    def _await(self, kind: type[events.Event], budget: Budget) -> None:
        self._flush(budget)
        while not any(isinstance(event, kind) for event in self._read(budget)):
            pass

    def _send(self, stream: int, body: bytes, budget: Budget) -> bytes:
        """As much of it as the server has room for (RFC 9113 5.2); what is left comes back."""
        while body and (room := min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)) > 0:
            piece, body = body[:room], body[room:]
            self._h2.send_data(stream, piece, end_stream=not body)
        self._flush(budget)
        return body

    def _flush(self, budget: Budget) -> None:
        said = self._h2.data_to_send()
        while said:
            self._socket.settimeout(budget.left())
            said = said[self._socket.send(said) :]

    def _read(self, budget: Budget) -> list[events.Event]:
        self._socket.settimeout(budget.left())
        return self._take(self._socket.recv(CHUNK))

    def _take(self, piece: bytes) -> list[events.Event]:
        """What a piece of the wire says, frame by frame, and never more of it than fits."""
        if not piece:
            raise ConnectionResetError
        self._unread += piece
        self._room -= len(piece)
        if self._room < 0:
            raise ProtocolError("This is more than any answer needs.")
        found: list[events.Event] = []
        while len(self._unread) >= FRAME_HEAD:
            size = FRAME_HEAD + int.from_bytes(self._unread[:3], "big")
            if size > FRAME_HEAD + self._h2.max_inbound_frame_size:
                raise FrameTooLargeError("A frame is too large.")
            if len(self._unread) < size:
                break
            frame = bytes(self._unread[:size])
            del self._unread[:size]
            found += self._h2.receive_data(frame)
            if found and isinstance(found[-1], events.ConnectionTerminated):
                # Streams up to the one that it names may still be answered (RFC 9113 6.8), but `h2` closes all.
                self.is_ending, self._h2.state_machine.state = True, ConnectionState.CLIENT_OPEN
        return found


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (TimeoutError, TookTooLong) as error:
        raise Lost("timeout") from error
    except H2Error as error:
        raise Lost("not-http2") from error
    except OSError as error:
        raise Lost("connection-broke") from error
