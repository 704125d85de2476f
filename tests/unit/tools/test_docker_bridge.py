"""Containers reach what listens on loopback alone, through Docker's bridge where that is an interface of ours."""

import socket
import sys
import threading
from collections import namedtuple
from collections.abc import Iterator

import pytest

from tools import docker_bridge, ports
from tools.say import Failure

Address = namedtuple("Address", ["family", "address"])


@pytest.fixture
def echo() -> Iterator[int]:
    """A port of the loopback interface that sends back what it is sent, until it is told no more."""
    with socket.create_server((ports.LOOPBACK, 0)) as server:

        def answer() -> None:
            try:
                connection, _ = server.accept()
            except OSError:
                # Nobody came before the test was over.
                return
            with connection:
                while said := connection.recv(1 << 16):
                    connection.sendall(said)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield server.getsockname()[1]


def bridge_at(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    own = {docker_bridge.INTERFACE: [Address(socket.AF_INET6, "fe80::1"), Address(socket.AF_INET, address)]}
    monkeypatch.setattr("psutil.net_if_addrs", lambda: own if address else {})


@pytest.mark.skipif(sys.platform != "linux", reason="Docker's bridge is an interface of the machine on Linux alone.")
def test_what_is_sent_to_the_bridge_arrives_on_loopback_and_the_answer_comes_back(echo, monkeypatch):
    bridge_at(monkeypatch, "127.0.0.2")
    said = b"x" * 300_000
    with docker_bridge.to_loopback(echo) as host, socket.create_connection((host, echo), timeout=5) as connection:
        threading.Thread(target=lambda: (connection.sendall(said), connection.shutdown(socket.SHUT_WR))).start()
        heard = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    assert (host, heard == said) == ("127.0.0.2", True)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", echo), timeout=5)


def test_without_a_bridge_of_ours_docker_desktop_is_asked(monkeypatch):
    bridge_at(monkeypatch, None)
    with docker_bridge.to_loopback(1) as host:
        assert host == "host.docker.internal"


def test_a_port_that_is_taken_is_said(echo, monkeypatch):
    bridge_at(monkeypatch, ports.LOOPBACK)
    with pytest.raises(Failure, match=f"127.0.0.1:{echo} is taken"), docker_bridge.to_loopback(echo):
        pytest.fail("It never listens.")
