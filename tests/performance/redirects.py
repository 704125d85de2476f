"""Following a short link beside a bare handler that makes the same calls, in one process, on the local cloud.

Once with the link held in the process, which tells of the click alone, and once with the read before that.
"""

import contextlib
import io
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from mangum import Mangum
from starlette.responses import Response

from functions.content.shortener.actions.manage import held_name
from functions.content.shortener.app import app, handler
from functions.content.shortener.ports import Ports
from functions.content.shortener.store.rows import META, link_pk
from tessera import aws, clock, ids
from tessera.safehttp import Gate, SafeHTTP, SafeHTTPSettings
from tests.kit.apps import Served, serving
from tests.kit.queues import make_queue
from tests.performance.latency import Handler, gateway_event, in_turns, local_cloud

TARGETS = {"link held": 1.6, "link read": 2.2}
BASE, PUBLIC = "https://go.test", "93.184.216.34"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"


def report(folder: Path) -> str:
    lines = [f"  {'GET /s/{code}':<18} {'ours':>10} {'bare':>10}"]
    for name, (ours_ms, bare_ms) in measure(folder).items():
        over = f"  over {TARGETS[name]}" if ours_ms / bare_ms > TARGETS[name] else ""
        lines.append(f"  {name:<18} {ours_ms:>7.2f} ms {bare_ms:>7.2f} ms {ours_ms / bare_ms:>5.2f} x{over}")
    return "\n".join(lines)


def measure(folder: Path) -> dict[str, tuple[float, float]]:
    """The medians of ours and of the bare handler's, in milliseconds."""
    # The logger keeps the stream it begins with, and a terminal would be what is measured.
    with contextlib.redirect_stdout(io.StringIO()), local_cloud(folder):
        clicks, queue = make_queue("clicks"), make_queue("shortener")
        with serving(app, "Shortener", QUEUE=queue, CLICKS=clicks, PUBLIC_BASE_URL=BASE, RATE_FACTOR="10000") as served:
            code, held = made_code(served), served.bindings.get(Ports).held
            read = {"TableName": served.table.name, "Key": {"pk": {"S": link_pk("-", code)}, "sk": {"S": META}}}
            return {
                "link held": compared(code, lambda: None, bare_handler(clicks)),
                "link read": compared(code, lambda: held.drop(held_name("-", code)), bare_handler(clicks, read)),
            }


def made_code(served: Served) -> str:
    """A new link, of somebody who came long ago. No name is looked up: there may be no network."""
    gate = Gate.of(served.bindings.settings(SafeHTTPSettings))
    served.bindings.replace(SafeHTTP, SafeHTTP(gate, resolve=lambda host, port: [PUBLIC]))
    owner = served.signed_in(ids.at(clock.millis() - 100 * 86_400_000, secrets.token_bytes(10)), roles=["user"])
    answer = owner.post("/shortener/links", json={"url": "https://www.example.com/page"})
    return str(answer.raise_for_status().json()["code"])


def compared(code: str, before: Callable[[], object], bare: Handler) -> tuple[float, float]:
    """Each request comes from another visitor, `before` which something is forgotten."""

    def make() -> dict[str, Any]:
        before()
        address = f"2001:db8:{secrets.randbelow(65_536):x}:{secrets.randbelow(65_536):x}::1"
        return gateway_event("GET", f"/s/{code}", headers={"host": "go.test", "user-agent": AGENT}, address=address)

    return in_turns(make, handler, bare, is_right=lambda status: status == 302)


def bare_handler(clicks: str, read: dict[str, Any] | None = None) -> Handler:
    """FastAPI, Mangum, botocore, one line: the least that could do it."""
    bare = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    table, queue = aws._session().create_client("dynamodb"), aws._session().create_client("sqs")

    @bare.get("/s/{code}")
    async def follow(code: str) -> Response:
        if read is not None:
            table.get_item(**read)
        queue.send_message(
            QueueUrl=clicks, MessageBody=json.dumps({"id": ids.new(), "code": code, "at": clock.millis()})
        )
        print(json.dumps({"level": "INFO", "message": "request", "status": 302}))
        return Response(status_code=302, headers={"Location": "https://www.example.com/page"})

    return Mangum(bare, lifespan="off")
