"""`python -m localstack.door SETTINGS`: serve until SIGTERM."""

import sys
from pathlib import Path

from aiohttp import web

from localstack.door.app import build
from localstack.door.settings import DoorSettings


def main() -> None:
    settings = DoorSettings.load(Path(sys.argv[1]))
    web.run_app(build(settings), host="127.0.0.1", port=settings.port, print=None, access_log=None, shutdown_timeout=1)


if __name__ == "__main__":
    main()
