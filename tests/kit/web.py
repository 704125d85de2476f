"""A client of an app in this process: httpx on one side, the app on the other, and no thread between them."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import httpx
from starlette.types import ASGIApp, Message


class AppClient(httpx.Client):
    """As Starlette's `TestClient`, which starts a thread and a loop for each request and takes ten times as long."""

    def __init__(
        self,
        app: ASGIApp,
        base_url: str = "http://testserver",
        *,
        client: tuple[str, int] = ("testclient", 50_000),
        follow_redirects: bool = True,
    ) -> None:
        self.app = app
        super().__init__(
            transport=_InProcess(app, client),
            base_url=base_url,
            follow_redirects=follow_redirects,
            headers={"user-agent": "testclient"},
        )


class _InProcess(httpx.BaseTransport):
    def __init__(self, app: ASGIApp, client: tuple[str, int]) -> None:
        self._app, self._client = app, client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._answer(request, request.read())
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return _run(answer)
        # One app asks another while it answers: a thread may run one loop only.
        with ThreadPoolExecutor(1) as beside:
            return beside.submit(copy_context().run, _run, answer).result()

    async def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        url = request.url
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "root_path": "",
            "server": (url.host, url.port or (443 if url.scheme == "https" else 80)),
            "client": self._client,
            "state": {},
        }
        sent: list[Message] = []
        left = [{"type": "http.request", "body": body, "more_body": False}, {"type": "http.disconnect"}]

        async def receive() -> Any:
            return left.pop(0) if len(left) > 1 else left[0]

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        start = next(message for message in sent if message["type"] == "http.response.start")
        content = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
        return httpx.Response(start["status"], headers=start["headers"], content=content, request=request)


def _run(answer: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
    """`asyncio.run` would leave the thread without a loop, which Mangum takes for granted."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(answer)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
