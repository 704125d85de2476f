"""The one Lambda handler of a capability: HTTP to its app, everything else to its triggers."""

import json
import logging
import os
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from tessera import log
from tessera.settings import refuse_stray_endpoint
from tessera.triggers import Entries, dispatch

Handler = Callable[[dict[str, Any], Any], Any]
# API Gateway takes six megabytes from a function; a longer answer would become a bare 502.
_MAX_ANSWER_BYTES = 6_000_000


def lambda_handler(app: FastAPI, entries: Entries = Entries()) -> Handler:
    """A handler from which nothing escapes."""
    refuse_stray_endpoint(os.environ)
    for name in ("mangum", "mangum.http", "mangum.lifespan"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    http = Mangum(app, lifespan="off", text_mime_types=_TEXT)

    def handle(event: dict[str, Any], context: Any) -> Any:
        asked = event.get("requestContext", {})
        # An HTTP API describes the request in `http`; a REST API has no such part.
        if "http" in asked or ("httpMethod" in event and "apiId" in asked):
            return _answered(http, event, context)
        return dispatch(entries, event, app.state.bindings)

    return handle


def _answered(http: Mangum, event: dict[str, Any], context: Any) -> Any:
    try:
        answer = http(event, context)
    # Mangum itself may fail on an event that no gateway would send.
    except Exception as error:  # noqa: BLE001
        log.unexpected("gateway event", error)
        return {"statusCode": 500, "headers": {"content-type": "application/problem+json"}, "body": _BROKEN}
    if _is_too_large(answer.get("body") or ""):
        # The request's own line has its route. The path itself may hold what opens something.
        log.line("answer too large", request_id=getattr(context, "aws_request_id", ""), outcome="refused")
        return {"statusCode": 500, "headers": {"content-type": "application/problem+json"}, "body": _BROKEN}
    return answer


def _is_too_large(body: str) -> bool:
    # Lambda counts bytes of JSON, where one character may take six.
    return len(body) * 6 > _MAX_ANSWER_BYTES and len(json.dumps(body, ensure_ascii=False).encode()) > _MAX_ANSWER_BYTES


# What goes out as text: anything else Mangum turns into base64, a third larger.
_TEXT = ["text/", "application/json", "application/problem+json", "application/xml", "application/javascript"]
_BROKEN = '{"type":"/problems/unexpected","title":"Something went wrong on our side","status":500}'
