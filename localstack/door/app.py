"""The front door: one port for everything a person or a program sees of the local stack."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from localstack import logs
from localstack.door import problems, targets
from localstack.door.api import LARGEST_BODY, LONGEST_WAIT, Api
from localstack.door.pages import answers, demo, home, limits, mailbox, playground, sign_in, todo, traces
from localstack.door.settings import DoorSettings
from localstack.door.socket import Socket
from localstack.door.turnstile import Turnstile, width
from localstack.post_office import Places, PostOffice
from localstack.stand_ins import served

STATIC = Path(__file__).parent / "static"
SETTINGS = web.AppKey("settings", DoorSettings)
CLIENT = web.AppKey("client", aiohttp.ClientSession)

# How aiohttp is to serve it: a packed body goes on as it came, and is unpacked by nobody on the way.
SERVED: dict[str, Any] = {"auto_decompress": False}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# No script or style stands in a page itself, so none that slips into one will run.
PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
# A page of another site that points its own name at 127.0.0.1 must not read mails and traces.
OWN_NAMES = frozenset(["127.0.0.1", "localhost", "[::1]"])


def build(settings: DoorSettings, office: PostOffice | None = None) -> web.Application:
    """The door; mail that comes in goes to the stack's own post office, unless a test has one."""
    clients = cache(lambda service: logs.client(service, settings.endpoint))
    office = office or PostOffice(Places.of(settings.stack), clients)
    app = web.Application(client_max_size=LARGEST_BODY)
    app[SETTINGS] = settings
    app.cleanup_ctx.append(_client)
    pages: dict[str, Handler] = {
        "": lambda request: home.page(request, settings, app[CLIENT]),
        "mailbox": lambda request: mailbox.page(request, settings, app[CLIENT], office),
        "traces": lambda request: traces.page(request, settings, app[CLIENT]),
        "todo": todo.page,
        "playground": lambda request: playground.page(request, settings),
        "demo": lambda request: (limits if request.path == limits.PATH else sign_in).page(request),
        "demo.json": lambda request: demo.page(request, settings),
        "assets": _asset,
    }
    stand_ins = served.build(f"http://127.0.0.1:{settings.port}")
    turnstile = Turnstile(settings.capabilities, width())

    async def answer(request: web.Request) -> web.StreamResponse:
        reason = targets.refusal(request.raw_path)
        if reason:
            return problems.problem(400, reason)
        first = targets.first_segment(request.raw_path)
        if first == "live" and request.path == "/live":
            return await Socket(settings, app[CLIENT]).forward(request)
        if first == "stand-ins":
            return await _local(request, lambda asked: served.answer(asked, stand_ins))
        if first in pages and request.method in ("GET", "HEAD"):
            return await _local(request, pages[first])
        if first == "mailbox" and request.method == "POST":
            return await _local(request, lambda asked: answers.post(asked, settings, app[CLIENT], office))
        return await Api(settings, app[CLIENT], turnstile).forward(request)

    # One route for everything: aiohttp's router would resolve and redirect paths by rules of its own.
    app.router.add_route("*", r"/{tail:[\s\S]*}", answer)
    app.on_response_prepare.append(_unsigned)
    return app


async def _local(request: web.Request, page: Handler) -> web.StreamResponse:
    host = request.headers.get("host", "")
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name not in OWN_NAMES:
        return problems.problem(421, "Open this page at 127.0.0.1 or localhost.")
    response = await page(request)
    for header, value in PAGE_HEADERS.items():
        # Only the mail in its frame has a policy of its own.
        response.headers.setdefault(header, value)
    return response


async def _asset(request: web.Request) -> web.StreamResponse:
    """A file of `static/`, by its bare name."""
    name = request.path.removeprefix("/assets/")
    path = STATIC / name
    if "/" in name or not name or not path.is_file():
        return problems.problem(404, "There is no such file.")
    return web.FileResponse(path)


async def _client(app: web.Application) -> AsyncIterator[None]:
    timeout = aiohttp.ClientTimeout(total=LONGEST_WAIT)
    connector = aiohttp.TCPConnector(limit=0)
    # Bodies go through as they are, compressed or not; cookies are the client's and nobody else's.
    async with aiohttp.ClientSession(
        auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), connector=connector, timeout=timeout
    ) as client:
        app[CLIENT] = client
        yield


async def _unsigned(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.popall("Server", None)
