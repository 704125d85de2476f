"""Authentication ahead of body parsing, for every route of every app.

FastAPI reads the body before it runs dependencies, so a guard that were only a dependency would
let a malformed body be told apart from a good one without credentials.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tessera import log
from tessera.auth.call import Call
from tessera.auth.charging import charge_by
from tessera.auth.guards import Guard
from tessera.entry.routing import Route, guards_of
from tessera.problems import PayloadTooLarge, UnsupportedMedia
from tessera.strictness import MAX_BODY_BYTES, check_body, check_path, check_query


class UnguardedRoute(RuntimeError):
    """A route does not say who may call it, so the app does not start."""


def guard_of(route: Route) -> Guard:
    """The one requirement of this route. Raises `UnguardedRoute`."""
    return _only(route, guards_of(route.endpoint))


def guarded(route: Route) -> ASGIApp:
    """The route behind its guard."""
    guard = guard_of(route)

    @cache
    def whole() -> APIRoute:
        """Looked at once, when the first request takes it: it must require what its signature was read to."""
        if _only(route, _guards(route.whole.dependant)) is not guard:
            raise UnguardedRoute(f"{route.path} requires something else than its signature says.")
        return route.whole

    async def admit(scope: Scope, receive: Receive, send: Send) -> None:
        call = call_of(scope)
        scope["state"]["call"] = call
        principal = guard.admit(call)
        scope["state"]["principal"] = principal
        log.current().caller = f"{principal.kind}:{principal.id}"
        check_path(scope["path"])
        check_query(scope["query_string"])
        takes_body = whole().body_field is not None
        body = await _checked_body(scope, receive) if takes_body else b""
        charge_by(call, guard.rate, scope.get("path_params", {}), body)
        if takes_body:
            receive = replayed(body)
        await whole().app(scope, receive, send)

    return admit


def _guards(dependant: Dependant) -> list[Guard]:
    mine = [dependant.call] if isinstance(dependant.call, Guard) else []
    return mine + [guard for inner in dependant.dependencies for guard in _guards(inner)]


def _only(route: Route, guards: Iterable[Guard]) -> Guard:
    found = list(dict.fromkeys(guards))
    if len(found) != 1:
        said = "no requirement" if not found else f"{len(found)} requirements"
        raise UnguardedRoute(
            f"{sorted(route.methods or ())} {route.path} declares {said}. Give its handler one parameter such as "
            '`caller: Annotated[Principal, auth.require("tasks:read")]`, or `auth.public()`.'
        )
    return found[0]


def call_of(scope: Scope) -> Call:
    """The request as the auth layer sees it, before anything of its body is read."""
    context: dict[str, Any] = scope.get("aws.event", {}).get("requestContext", {})
    client = scope.get("client") or ("", 0)
    return Call(
        method=scope["method"],
        path=scope["path"],
        headers=tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]),
        query_string=scope["query_string"].decode("latin-1"),
        source_ip=context.get("http", {}).get("sourceIp") or client[0],
        api_gateway=not context or "apiId" in context or "domainName" in context,
        internal=context.get("tessera") if "apiId" not in context and "domainName" not in context else None,
        bindings=scope["app"].state.bindings,
        request_id=log.current().request_id,
    )


async def _checked_body(scope: Scope, receive: Receive) -> bytes:
    body = await read_body(receive)
    if body:
        media = _media_type(scope)
        if media != "application/json" and not media.endswith("+json"):
            seen = media or "no media type"
            raise UnsupportedMedia(f"The body came as {seen}. Send it as application/json.")
        check_body(body)
    return body


async def read_body(receive: Receive) -> bytes:
    """The whole body. Raises `PayloadTooLarge` as soon as it is."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise PayloadTooLarge(f"The body may hold {MAX_BODY_BYTES:,} bytes.")
        if not message.get("more_body"):
            return b"".join(chunks)


def replayed(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _media_type(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"content-type":
            return str(value.decode("latin-1").partition(";")[0].strip().lower())
    return ""
