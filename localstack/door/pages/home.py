"""`/`: what is running here."""

from html import escape

from aiohttp import web

from localstack.door.pages import shell
from localstack.door.settings import DoorSettings


async def page(request: web.Request, settings: DoorSettings) -> web.StreamResponse:
    items = "".join(f"<li><code>/{escape(name)}</code></li>" for name in sorted(settings.capabilities))
    body = f"<h1>Tessera runs on this machine</h1><p>It answers under these paths:</p><ul>{items}</ul>"
    return shell.page("Home", body)
