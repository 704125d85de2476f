"""`/demo.json`: the demo logins, for the pages of this machine."""

import asyncio

from aiohttp import web

from localstack.door import problems
from localstack.door.settings import DoorSettings


async def page(request: web.Request, settings: DoorSettings) -> web.StreamResponse:
    """The file as `make run` has left it; 404 where nothing was seeded."""
    try:
        content = await asyncio.to_thread(settings.demo.read_bytes)
    except OSError:
        return problems.problem(404, "This stack has no demo users.")
    return web.Response(body=content, content_type="application/json")
