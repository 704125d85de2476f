"""`make dev`: every app in one process with hot reload, on the tables and queues of the running stack.

Queues, streams and schedules stay with the functions of the running stack: this serves the routes.
"""

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import uvicorn
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tools import certificate, cloud, ports, registry, templates
from tools.paths import ROOT, RUN
from tools.say import Failure, explain
from tools.stack import Facts, running


class Dispatcher:
    """Hands a request to the app that owns its path's first segment."""

    def __init__(self, apps: Mapping[str, ASGIApp]) -> None:
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        first = scope["path"].split("/")[1] if "/" in scope["path"] else ""
        app = self._apps.get(first) or self._apps.get("$default") or _nothing_here
        await app(scope, receive, send)


def create() -> ASGIApp:
    """The apps, each made with its function's own environment. uvicorn calls this after every change."""
    facts = running(RUN)
    os.environ.update(cloud.environment(facts.endpoint))
    sys.path[:0] = [str(ROOT / "layers" / "shared" / "python"), str(ROOT)]
    functions = cloud.client("lambda", facts.endpoint)
    apps: dict[str, ASGIApp] = {}
    for capability in registry.capabilities():
        app = _load(capability, functions, facts) if capability.has_app and capability.functions else None
        if app is not None:
            apps.update(dict.fromkeys(capability.top_level, app))
            if "$default" in capability.routes:
                apps["$default"] = app
    # There is no API Gateway here to answer preflights.
    stated: Mapping[str, Any] = templates.load("template")["Resources"]["Api"]["Properties"]["CorsConfiguration"]
    return CORSMiddleware(
        Dispatcher(apps),
        allow_origins=["*"],
        allow_methods=stated["AllowMethods"],
        allow_headers=stated["AllowHeaders"],
        expose_headers=stated["ExposeHeaders"],
        max_age=stated["MaxAge"],
    )


def _load(capability: registry.Capability, functions: Any, facts: Facts) -> ASGIApp | None:
    name = registry.function_name(capability.functions[0], facts.stack)
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    with _environment(variables):
        module = importlib.import_module(f"functions.{capability.domain}.{capability.package}.app")
    app: ASGIApp | None = getattr(module, "app", None)
    return app


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """An app takes its settings when it is made; after that the process's environment may be another's."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    document = {"type": "/problems/not-found", "title": "There is nothing here", "status": 404}
    await JSONResponse(document, 404, media_type="application/problem+json")(scope, receive, send)


def main() -> int:
    cloud.leave_accounts()
    try:
        running(RUN)
        port = ports.free_or_any(ports.wanted(8001))
    except Failure as failure:
        explain("dev", failure)
        return 1
    # Safari keeps `Secure` cookies from nothing else, not even from this machine.
    is_https = os.environ.get("HTTPS") == "1"
    signed_by, key = certificate.ready() if is_https else (None, None)
    place = f"https://localhost:{port}" if is_https else f"http://127.0.0.1:{port}"
    print(f"  every app at {place}, reloaded when a file changes", flush=True)
    watched = [str(ROOT / "functions"), str(ROOT / "layers" / "shared" / "python")]
    uvicorn.run(
        "tools.dev:create",
        factory=True,
        host="127.0.0.1",
        port=port,
        reload=True,
        reload_dirs=watched,
        log_level="warning",
        ssl_certfile=signed_by,
        ssl_keyfile=key,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
