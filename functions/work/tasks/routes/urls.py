"""The address under which the API was reached, for links that must be absolute."""

import re
from typing import Annotated, Any

from fastapi import Depends, Request

from tessera.entry.bound import bindings_of
from tessera.settings import Settings

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_.~-]{1,64}){1,4}")


async def base_url(request: Request) -> str:
    """`PUBLIC_BASE_URL`, or what the request says of itself: protocol, host, and the prefix of its stage."""
    configured = bindings_of(request).settings(Settings).public_base_url
    if configured:
        return configured.rstrip("/")
    protocol = "https" if request.headers.get("x-forwarded-proto", request.url.scheme) == "https" else "http"
    host = request.headers.get("host", "")
    return f"{protocol}://{host if _HOST.fullmatch(host) else 'localhost'}{_prefix(request)}"


def _prefix(request: Request) -> str:
    event: dict[str, Any] = request.scope.get("aws.event", {})
    stage = str(event.get("requestContext", {}).get("stage") or "$default")
    # The stage is part of the path only under the execute-api address, never under a domain of one's own.
    if stage != "$default" and str(event.get("rawPath", "")).startswith(f"/{stage}/"):
        return f"/{stage}"
    given = request.headers.get("x-forwarded-prefix", "").rstrip("/")
    return given if _PREFIX.fullmatch(given) else ""


BaseURL = Annotated[str, Depends(base_url)]
