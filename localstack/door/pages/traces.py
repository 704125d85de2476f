"""`/traces/{id}`: the life of one request, from the stack's logs."""

from html import escape

from aiohttp import web

from localstack.door.pages import shell
from localstack.door.settings import DoorSettings


async def page(request: web.Request, settings: DoorSettings) -> web.StreamResponse:
    trace = request.path.removeprefix("/traces").strip("/")
    return shell.page("Trace", f"<h1>Trace</h1><p><code>{escape(trace) or 'no id'}</code></p>")
