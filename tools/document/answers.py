"""What an operation can answer besides success: its problems by status, and the headers that go with them."""

import http
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from fastapi.routing import APIRoute

from tessera.auth import problems as auth
from tessera.auth.charging import SAFE_METHODS
from tessera.auth.cookies import SESSION_COOKIE
from tessera.auth.guards import Authenticated, Guard
from tessera.auth.key_text import PATTERN
from tessera.problems import (
    MEDIA_TYPE,
    Busy,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    Problem,
    Unavailable,
    Unexpected,
    UnsupportedMedia,
    catalogue,
)

Json = dict[str, Any]

ALWAYS = ("Traceparent", "RequestId", "ServerTiming")
BY_STATUS = {
    401: ("WwwAuthenticate",),
    403: ("WwwAuthenticate",),
    405: ("Allow",),
    429: ("RetryAfter",),
    503: ("RetryAfter",),
}
LIMITED = ("RateLimit", "RateLimitPolicy")


def problems_of(route: APIRoute, method: str, guard: Guard, described: Json) -> dict[int, list[str]]:
    """The slugs by status: those the route declares, and those the way to it can give."""
    found: dict[int, dict[str, None]] = defaultdict(dict)
    for status, response in described["responses"].items():
        for slug in response.get("x-problems", ()):
            found[int(status)][slug] = None
    for kind in _on_the_way(route, method, guard, takes_body="requestBody" in described):
        found[kind.status][kind.slug] = None
    return {status: list(found[status]) for status in sorted(found)}


def _on_the_way(route: APIRoute, method: str, guard: Guard, *, takes_body: bool) -> Iterable[type[Problem]]:
    if isinstance(guard, Authenticated):
        yield from _of_credentials(guard, method)
    if route.param_convertors:
        yield NotFound
    if takes_body:
        yield from (PayloadTooLarge, UnsupportedMedia)
    # A query that is not UTF-8 or holds a NUL is refused everywhere, whether or not the route reads one.
    yield InvalidRequest
    if is_limited(guard):
        # An operator may set a quota on any policy.
        yield from (auth.RateLimited, auth.QuotaExceeded)
    yield from (Unexpected, Busy, Unavailable)


def _of_credentials(guard: Authenticated, method: str) -> Iterable[type[Problem]]:
    yield auth.CredentialsAmbiguous
    if not guard.optional:
        yield auth.CredentialsMissing
    yield from (auth.TokenInvalid, auth.TokenExpired, auth.TokenStale, auth.SessionRevoked, auth.RevocationUnknown)
    if guard.aal > 1 or guard.fresh is not None:
        yield auth.StepUpRequired
    # A credential of another kind, such as a key where a person is asked for, is refused like a missing permission.
    if guard.permission or len(guard.kinds) < 2:
        yield auth.InsufficientScope
    if method not in SAFE_METHODS:
        # The access cookie of `sessions` is a credential everywhere, and a change by it comes from our own pages.
        yield from (auth.ImpersonationForbidden, auth.CsrfFailed, auth.OriginNotAllowed, UnsupportedMedia)


def is_limited(guard: Guard) -> bool:
    return "unlimited" not in guard.describe()


def problem_response(status: int, slugs: list[str], *, limited: bool) -> Json:
    """The response object of a status, naming each problem and what it means."""
    known = catalogue()
    said = "; ".join(f"`{slug}`: {known[slug].title}" if slug in known else f"`{slug}`" for slug in slugs)
    return {
        "description": said,
        "headers": headers(*ALWAYS, *BY_STATUS.get(status, ()), *(LIMITED if limited else ())),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        "x-problems": slugs,
    }


def headers(*names: str) -> Json:
    return {HEADERS[name]["x-name"]: {"$ref": f"#/components/headers/{name}"} for name in names}


def phrase(status: int) -> str:
    return http.HTTPStatus(status).phrase


def _header(name: str, description: str, **schema: Any) -> Json:
    return {"x-name": name, "description": description, "schema": {"type": "string", **schema}}


SECURITY_SCHEMES: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "api_key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": PATTERN,
        "description": "A key that POST /apikeys has made. It takes the place of the access token.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "What POST /sessions/login sets. A change from another origin also sends X-CSRF-Token.",
    },
}

# Component name -> header object; `x-name` is the name on the wire and does not reach the document.
HEADERS: dict[str, Json] = {
    "Allow": _header("Allow", "The methods that this path offers.", maxLength=100),
    "ETag": _header("ETag", "The version; send it back in If-Match.", maxLength=100),
    "IdempotentReplay": _header("Idempotent-Replay", "`true` when this request was answered before.", enum=["true"]),
    "Location": _header("Location", "Where the resource is.", maxLength=1000),
    "RateLimit": _header("RateLimit", "What is left of each limit.", maxLength=300),
    "RateLimitPolicy": _header("RateLimit-Policy", "The limits that apply.", maxLength=300),
    "RequestId": _header("X-Request-Id", "The id of this request in the logs.", maxLength=100),
    "RetryAfter": _header("Retry-After", "After how many seconds to try again.", pattern="^[0-9]+$", maxLength=10),
    "ServerTiming": _header("Server-Timing", "What the answer cost.", maxLength=300),
    "Traceparent": _header("traceparent", "The trace that this request is part of.", maxLength=55),
    "WwwAuthenticate": _header("WWW-Authenticate", "Which credential is missing.", maxLength=300),
}

PROBLEM: Json = {
    "type": "object",
    "description": "What went wrong (RFC 9457). `type` is stable and leads to a page about it.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "pattern": "^/problems/[a-z0-9-]+$",
            "maxLength": 120,
        },
        "title": {"type": "string", "maxLength": 200},
        "status": {"type": "integer", "format": "int32", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "maxLength": 4096},
        "errors": {"type": "array", "maxItems": 100, "items": {"$ref": "#/components/schemas/FieldError"}},
        "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$", "maxLength": 32},
    },
    "additionalProperties": True,
}
FIELD_ERROR: Json = {
    "type": "object",
    "description": "One thing that is wrong with the request, and where.",
    "required": ["pointer", "detail"],
    "properties": {
        "pointer": {
            "type": "string",
            "maxLength": 4096,
            "description": "A JSON pointer into the body, `?name` for the query, `name:` for a header.",
        },
        "detail": {"type": "string", "maxLength": 4096},
    },
    "additionalProperties": False,
}
