"""The Todo-Backend suite (todobackend.com) against the facade of `tasks`, in a headless browser.

It runs on the bare root, on a namespace, and behind a proxy that adds a stage prefix. The browser's
own rules for other origins apply, so this is also what proves the gateway's CORS headers.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tessera import ids
from tests.kit.exclusive import alone_with
from tests.peers.relays import relayed, serving

SPECS = 16
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# What a stage of API Gateway puts before every path.
STAGE = "/prod"


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("No Chromium on this machine: install it to run the Todo-Backend suite.")
    return found


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
        forwarded = {"X-Forwarded-Proto": "http", "X-Forwarded-Prefix": STAGE}
        with relayed(base_url, forwarded, below=STAGE) as address:
            passed, failed = outcome(browser, f"{suite}?{address}{namespace}", tmp_path)
    elif place == "bare root":
        with alone_with("public-todos"):
            passed, failed = outcome(browser, f"{suite}?{base_url}/tasks/todo-backend", tmp_path)
    else:
        passed, failed = outcome(browser, f"{suite}?{base_url}{namespace}", tmp_path)

    assert (len(passed), failed) == (SPECS, [])
