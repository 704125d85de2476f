"""The Todo-Backend suite (todobackend.com) against the facade of `tasks`, in a headless browser.

It runs on the bare root, on a namespace, and behind a proxy that adds a stage prefix. The browser's
own rules for other origins apply, so this is also what proves the gateway's CORS headers.
"""

import http.client
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tessera import ids

SPECS = 16
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("No Chromium on this machine: install it to run the Todo-Backend suite.")
    return found


@pytest.fixture(scope="module")
def base_url() -> str:
    found = os.environ.get("BASE_URL", "")
    if not found:
        pytest.skip("BASE_URL is not set: it names the stack under test.")
    return found.rstrip("/")


@pytest.fixture(scope="module")
def suite() -> Iterator[str]:
    """The address of the suite's page."""
    peers = os.environ.get("PEERS", "")
    folder = Path(peers) / "todo-backend"
    if not peers or not folder.is_dir():
        pytest.skip("PEERS is not set or has no todo-backend: the suite is not part of this project.")
    with serving(partial(_Quiet, directory=str(folder))) as address:
        yield f"{address}/index.html"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        return


@contextmanager
def serving(handler: Any) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def prefixed(base_url: str) -> Iterator[str]:
    """A proxy under whose address the API stands below `/prod`, as below a stage of API Gateway."""
    upstream = urlsplit(base_url)

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            if not self.path.startswith("/prod/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            headers |= {"X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/prod"}
            there = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=30)
            there.request(self.command, upstream.path + self.path.removeprefix("/prod"), body or None, headers)
            given = there.getresponse()
            content = given.read()
            self.send_response(given.status)
            for name, value in given.getheaders():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            there.close()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

        def log_message(self, *args: Any) -> None:
            return

    with serving(Proxy) as address:
        yield f"{address}/prod"


def outcome(browser: str, page: str, profile: Path) -> tuple[list[str], list[str]]:
    """The titles of the specs that passed and of those that failed."""
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={profile}", "--virtual-time-budget=120000", "--dump-dom", page]
    found = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
    titles = {
        state: re.findall(rf'<li class="test {state}[^"]*"><h2>([^<]*)', found.stdout) for state in ("pass", "fail")
    }
    return titles["pass"], titles["fail"]


@pytest.mark.parametrize("place", ["bare root", "namespace", "stage prefix"])
def test_the_todo_backend_suite_passes(browser: str, base_url: str, suite: str, place: str, tmp_path: Path) -> None:
    namespace = f"/tasks/todo-backend/peer-{ids.new().lower()}"
    if place == "stage prefix":
        with prefixed(base_url) as address:
            passed, failed = outcome(browser, f"{suite}?{address}{namespace}", tmp_path)
    else:
        root = "/tasks/todo-backend" if place == "bare root" else namespace
        passed, failed = outcome(browser, f"{suite}?{base_url}{root}", tmp_path)

    assert (len(passed), failed) == (SPECS, [])
