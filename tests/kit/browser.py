"""A headless Chromium, driven over its DevTools protocol: pages, tabs, and what they ask the network for.

    with Chromium(find_chromium(), tmp_path) as chromium:
        page = chromium.open("http://127.0.0.1:8000/demo/sign-in")
        page.until("document.querySelector('#who').textContent")

It tells what only a real browser decides: which cookies go along with what, and what another page may do.
"""

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import websockets.sync.client

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WITHIN_SECONDS = 30.0
_LISTENS = re.compile(r"DevTools listening on (ws://\S+)")


def find_chromium() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """A browser with a profile of its own, which is gone when the block ends."""

    def __init__(self, executable: str, profile: Path) -> None:
        self._command = [
            *(executable, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-sync"),
            *("--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"),
        ]
        self._next_id = 0
        self._open = ExitStack()
        self._reader: threading.Thread | None = None
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            # Messages can be large, and the peer is our own child: it need not be asked whether it is alive.
            opening = websockets.sync.client.connect(self._address(), max_size=None, ping_interval=None)
            self._socket = self._open.enter_context(opening)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        self._end()

    def open(self, url: str = "about:blank") -> "Page":
        """A new tab."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        page.watch(session)
        if url != "about:blank":
            page.goto(url)
        return page

    def call(self, method: str, *, session: str = "", **params: Any) -> dict[str, Any]:
        """What the browser answers to one command. Raises `AssertionError` for a refusal."""
        self._next_id += 1
        mine = self._next_id
        command = {"id": mine, "method": method, "params": params, **({"sessionId": session} if session else {})}
        self._socket.send(json.dumps(command))
        while True:
            message = self._receive(WITHIN_SECONDS)
            assert message is not None, f"{method} was not answered within {WITHIN_SECONDS:g} s"
            if message.get("id") == mine:
                assert "error" not in message, f"{method}: {message.get('error')}"
                found: dict[str, Any] = message["result"]
                return found

    def listen(self, seconds: float = 0.05) -> None:
        """Take in what happens, for at most so long."""
        while self._receive(seconds) is not None:
            seconds = 0.0

    def _receive(self, seconds: float) -> dict[str, Any] | None:
        try:
            message: dict[str, Any] = json.loads(self._socket.recv(timeout=seconds))
        except TimeoutError:
            return None
        if "method" in message:
            self.events.append(message)
            self._attach(message)
        return message

    def _attach(self, event: dict[str, Any]) -> None:
        """A frame of another site is a target of its own, and waits until it is watched too."""
        if event["method"] == "Target.attachedToTarget" and "sessionId" in event:
            child = event["params"]["sessionId"]
            for method in ("Network.enable", "Runtime.runIfWaitingForDebugger"):
                self._next_id += 1
                self._socket.send(json.dumps({"id": self._next_id, "method": method, "sessionId": child}))

    def _address(self) -> str:
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if found := _LISTENS.search(line):
                # Nobody reads on, and a full pipe would stop the browser.
                self._reader = threading.Thread(target=self._process.stderr.read, daemon=True)
                self._reader.start()
                return found[1]
        raise AssertionError(f"Chromium did not start: {''.join(said)[-2000:]}")

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._reader is not None:
            self._reader.join(5)
        if self._process.stderr is not None:
            self._process.stderr.close()


@dataclass
class Page:
    """One tab."""

    chromium: Chromium
    session: str
    _since: int = field(default=0)

    def watch(self, session: str) -> None:
        for method in ("Page.enable", "Runtime.enable", "Network.enable"):
            self.chromium.call(method, session=session)
        self.chromium.call("Page.setLifecycleEventsEnabled", session=session, enabled=True)
        self.chromium.call(
            "Target.setAutoAttach", session=session, autoAttach=True, waitForDebuggerOnStart=True, flatten=True
        )

    def goto(self, url: str) -> None:
        """Go there, and come back when it is loaded."""
        self._since = len(self.chromium.events)
        answer = self.chromium.call("Page.navigate", session=self.session, url=url)
        assert not answer.get("errorText"), f"{url}: {answer['errorText']}"
        # A change of the fragment alone loads nothing.
        if "loaderId" in answer:
            self._until_loaded(answer["loaderId"], url)

    def run(self, script: str) -> Any:
        """The value of an expression, awaited. Raises `AssertionError` for what it throws."""
        answer = self.chromium.call(
            "Runtime.evaluate", session=self.session, expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, script: str, *, within: float = WITHIN_SECONDS) -> Any:
        """The first value of the expression that counts as true."""
        deadline = time.monotonic() + within
        while True:
            found = self._while_it_stays(script)
            if found:
                return found
            assert time.monotonic() < deadline, f"{script} did not hold within {within:g} s; the page says: {self.text}"
            self.chromium.listen()

    def _while_it_stays(self, script: str) -> Any:
        """The value of an expression, and nothing on a page that is just being left."""
        try:
            return self.run(script)
        except AssertionError as error:
            if "navigated or closed" not in str(error):
                raise
            return None

    def answered(self, path: str, *, within: float = WITHIN_SECONDS) -> int:
        """The status of the next answer to this path, in this tab or a frame of it, since the last `goto`."""
        deadline = time.monotonic() + within
        while True:
            for event in self.chromium.events[self._since :]:
                if event["method"] == "Network.responseReceived":
                    answer = event["params"]["response"]
                    if answer["url"].partition("?")[0].endswith(path):
                        return int(answer["status"])
            assert time.monotonic() < deadline, f"Nothing was answered at {path} within {within:g} s"
            self.chromium.listen()

    def refused(self, path: str) -> bool:
        """Whether a frame with this address was blocked by what its answer says."""
        asked = {
            event["params"]["requestId"]
            for event in self.chromium.events[self._since :]
            if event["method"] == "Network.requestWillBeSent" and event["params"]["request"]["url"].endswith(path)
        }
        return any(
            event["method"] == "Network.loadingFailed" and event["params"]["requestId"] in asked
            for event in self.chromium.events[self._since :]
        )

    def cookies(self, url: str) -> dict[str, dict[str, Any]]:
        """What the browser keeps for this address, `HttpOnly` ones included."""
        found = self.chromium.call("Network.getCookies", session=self.session, urls=[url])["cookies"]
        return {cookie["name"]: cookie for cookie in found}

    @property
    def text(self) -> str:
        return str(self.run("document.body ? document.body.innerText : ''"))

    def _until_loaded(self, loader: str, url: str) -> None:
        """Until this page is loaded, or the one that it led to: the one before it may be loaded only now as well."""
        deadline = time.monotonic() + WITHIN_SECONDS
        while not self._is_loaded(loader):
            assert time.monotonic() < deadline, f"{url} did not load within {WITHIN_SECONDS:g} s"
            self.chromium.listen()

    def _is_loaded(self, loader: str) -> bool:
        began = False
        for event in self.chromium.events[self._since :]:
            if event["method"] == "Page.lifecycleEvent" and event.get("sessionId") == self.session:
                began = began or event["params"]["loaderId"] == loader
                if began and event["params"]["name"] == "load":
                    return True
        return False


@contextmanager
def pages(content: Mapping[str, str]) -> Iterator[int]:
    """Serve these HTML pages by path on a port of their own: somebody else's website."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = content.get(self.path.partition("?")[0])
            body = (found or "").encode()
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
