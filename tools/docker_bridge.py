"""How a container reaches what listens on this machine's loopback interface alone."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from tools.ports import LOOPBACK
from tools.say import Failure

# Docker Desktop's name for the machine it runs on; there its loopback interface answers.
DESKTOP = "host.docker.internal"
INTERFACE = "docker0"
CHUNK = 1 << 16


def address() -> str | None:
    """This machine's own address on Docker's bridge; Docker Desktop keeps its bridge in a machine of its own."""
    own = psutil.net_if_addrs().get(INTERFACE, [])
    return next((each.address for each in own if each.family == socket.AF_INET), None)


@contextmanager
def to_loopback(port: int) -> Iterator[str]:
    """The host name under which containers reach this port of ours, for as long as the block lasts."""
    here = address()
    if here is None:
        yield DESKTOP
        return
    try:
        server = _Bridge((here, port), _Passing)
    except OSError as error:
        raise Failure(
            f"Containers cannot reach the local cloud: {here}:{port} is taken ({error.strerror}).",
            remedy="End what listens there, or stop `make run` and start it again, which takes another port.",
        ) from error
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="docker-bridge", daemon=True)
        thread.start()
        try:
            yield here
        finally:
            server.shutdown()
            thread.join()


class _Bridge(socketserver.ThreadingTCPServer):
    daemon_threads = True
    # What is being said when the bridge goes down need not be waited for.
    block_on_close = False


class _Passing(socketserver.BaseRequestHandler):
    """One connection, passed on to the same port of the loopback interface."""

    def handle(self) -> None:
        port = self.request.getsockname()[1]
        with suppress(OSError), socket.create_connection((LOOPBACK, port)) as there:
            answering = threading.Thread(target=_copy, args=(there, self.request), daemon=True)
            answering.start()
            _copy(self.request, there)
            answering.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    # Either side may hang up; what the other still has to say arrives all the same.
    with suppress(OSError):
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
