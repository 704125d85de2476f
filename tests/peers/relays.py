"""Servers of our own on this machine: what a suite is read from, and relays that stand between it and the stack."""

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@contextmanager
def serving(handler: Any) -> Iterator[str]:
    """The address of a server on a free port whose requests this handler answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def relayed(base_url: str, headers: Mapping[str, str], *, below: str = "", source: str = "") -> Iterator[str]:
    """An address below which the stack is reached.

    `headers` are put in place of the client's own, `below` is the path that the address ends with and the stack does
    not see, and `source` is the address that requests come from.
    """
    upstream, replaced = urlsplit(base_url), {name.lower() for name in headers} | HOP_BY_HOP

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            if not self.path.startswith(f"{below}/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            kept = {name: value for name, value in self.headers.items() if name.lower() not in replaced}
            there = http.client.HTTPConnection(
                upstream.hostname or "", upstream.port, timeout=60, source_address=(source, 0) if source else None
            )
            path = upstream.path + self.path.removeprefix(below)
            there.request(self.command, path, body or None, {**kept, **headers})
            given = there.getresponse()
            content = given.read()
            self.send_response(given.status)
            for name, value in given.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            if given.status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            there.close()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

        def log_message(self, *args: Any) -> None:
            return

    with serving(Relay) as address:
        yield f"{address}{below}"
