"""`python -m localstack.door SETTINGS`: serve until SIGTERM."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from localstack import logs
from localstack.door.app import SERVED, SETTINGS, build
from localstack.door.settings import DoorSettings


async def counting(app: web.Application) -> AsyncIterator[None]:
    """Deliver the log lines of requests to the function that counts them, as a subscription does on AWS."""
    settings, stop = app[SETTINGS], asyncio.Event()
    pumping = asyncio.create_task(logs.pump(stop, settings.endpoint, stack=settings.stack))
    yield
    stop.set()
    await pumping


def main() -> None:
    settings = DoorSettings.load(Path(sys.argv[1]))
    app = build(settings)
    app.cleanup_ctx.append(counting)
    web.run_app(app, host="127.0.0.1", port=settings.port, print=None, access_log=None, shutdown_timeout=1, **SERVED)


if __name__ == "__main__":
    main()
