"""Requests that the front door and the gateway behind it could read differently, byte for byte over a socket."""

import socket
from urllib.parse import urlsplit

import pytest

HIDDEN = "GET /health HTTP/1.1\r\nHost: hidden\r\n\r\n"


def answered(base_url: str, lines: list[str], body: str = "") -> str:
    """All that comes back until the other end closes."""
    parts = urlsplit(base_url)
    head = "\r\n".join(["POST /accounts/login HTTP/1.1", f"Host: {parts.netloc}", "Connection: close", *lines])
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(f"{head}\r\n\r\n{body}".encode("latin-1"))
        return connection.makefile("rb").read().decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Content-Length: 0", "Transfer-Encoding: chunked"], "0\r\n\r\n"),
        (["Content-Length: 0", "Content-Length: 40"], ""),
        (["Transfer-Encoding: xchunked"], "0\r\n\r\n"),
        (["Transfer-Encoding: chunked", "Content-Length: 5"], "0\r\n\r\n"),
    ],
    ids=["CL.TE", "two lengths", "unknown", "TE.CL"],
)
def test_a_request_whose_end_is_in_doubt_is_refused_and_hides_no_other(base_url, lines, body):
    answer = answered(base_url, lines, body + HIDDEN)

    assert answer.split()[1] == "400"
    assert answer.count("HTTP/1.") == 1
