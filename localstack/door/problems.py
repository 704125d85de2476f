"""The door's own errors, and those of the emulator, as problem documents."""

import json
from collections.abc import Mapping

from aiohttp import web

MEDIA_TYPE = "application/problem+json"
SLUGS = {
    400: ("bad-target", "The request cannot be passed on"),
    403: ("forbidden", "This is not allowed"),
    404: ("not-found", "There is nothing here"),
    413: ("payload-too-large", "The request is too large"),
    415: ("unsupported-media-type", "This media type is not accepted here"),
    421: ("misdirected", "This page is not served under that name"),
    422: ("invalid-request", "The request is not valid"),
    429: ("too-many-requests", "Too many requests"),
    503: ("unavailable", "Something behind us does not answer"),
    504: ("unavailable", "Something behind us does not answer"),
}


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> web.Response:
    slug, title = SLUGS.get(status, ("unexpected", "Something went wrong"))
    document = {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail}
    return web.Response(
        body=json.dumps(document).encode(),
        status=status,
        content_type=MEDIA_TYPE,
        headers={"cache-control": "no-store", "x-content-type-options": "nosniff", **(headers or {})},
    )


def is_foreign(status: int, headers: Mapping[str, str]) -> bool:
    """Is this an error that no app of ours has written? Every answer of ours carries a request id."""
    if status < 400:
        return False
    return headers.get("content-type", "").split(";")[0] != MEDIA_TYPE and "x-request-id" not in headers


def translated(status: int, body: bytes) -> web.Response:
    """A foreign error in our form. Its text is kept only where the platform speaks about the request."""
    if status >= 500:
        return problem(status, "The function did not answer as it should. `make logs` says why.")
    return problem(status, _message(body))


def _message(body: bytes) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return "The local cloud refused the request."
    said = (document.get("message") or document.get("Message")) if isinstance(document, dict) else None
    return str(said or "The local cloud refused the request.")
