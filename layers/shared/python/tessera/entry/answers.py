"""Problems as responses, and everyone else's errors as problems."""

import json
from collections.abc import Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError, ResponseValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from tessera import log
from tessera.problems import (
    MEDIA_TYPE,
    FieldError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    Problem,
    Unexpected,
)

LOGGED = "It was logged; the trace id names it."


def problem_response(problem: Problem) -> Response:
    body = json.dumps(problem.document(trace_id=log.current().trace_id), ensure_ascii=False, default=str)
    return Response(body, problem.status, {**problem.headers, "cache-control": "no-store"}, MEDIA_TYPE)


async def on_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    log.current().cause = log.current().cause or problem.slug
    return problem_response(problem)


async def on_invalid(request: Request, error: Exception) -> Response:
    """A request that its models refuse: every fault with its place. A fault in the path is a 404."""
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    if any(fault["loc"][:1] == ("path",) for fault in faults):
        return problem_response(NotFound())
    errors = [FieldError(pointer_of(fault["loc"]), _said(fault)) for fault in faults[:20]]
    where = ", ".join(dict.fromkeys(error.pointer or "the body" for error in errors))
    return problem_response(InvalidRequest(f"Look at {where}.", errors=errors))


async def on_misfit(request: Request, error: Exception) -> Response:
    """An answer that its own model refuses, a defect of ours. The log has what was wrong and not what it held."""
    assert isinstance(error, ResponseValidationError)
    faults = [{name: fault[name] for name in ("type", "loc", "msg")} for fault in error.errors()]
    bare = ResponseValidationError(faults, endpoint_ctx=error.endpoint_ctx)
    log.unexpected("answer", bare.with_traceback(error.__traceback__))
    return problem_response(Unexpected(LOGGED))


def pointer_of(location: Sequence[Any]) -> str:
    """A JSON pointer for the body, `?name` for the query, `name:` for a header."""
    kind, rest = location[0], [str(part).replace("~", "~0").replace("/", "~1") for part in location[1:]]
    if kind == "query":
        return "?" + "/".join(rest)
    if kind == "header":
        return "/".join(rest) + ":"
    # The caller may have named the field, and at any length.
    return "".join(f"/{part[:200]}" for part in rest[:20])


def _said(fault: Any) -> str:
    """The fault in words. A value is never repeated: it may be a secret."""
    if fault["type"] == "json_invalid":
        return f"This is not JSON: {fault['ctx']['error']} at character {fault['loc'][-1]}."
    if fault["type"] == "extra_forbidden":
        return "There is no such field."
    if fault["type"] == "union_tag_invalid":
        return f"{fault['ctx']['discriminator']} may be one of {fault['ctx']['expected_tags']}."
    text = str(fault["msg"]).removeprefix("Value error, ")
    return text if text.endswith(".") else f"{text}."


async def on_http_error(request: Request, error: Exception) -> Response:
    """What Starlette and FastAPI themselves refuse."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return problem_response(NotFound())
    if error.status_code == 405:
        allowed = ", ".join(allowed_methods(request))
        if not allowed:
            return problem_response(NotFound())
        return problem_response(MethodNotAllowed(f"Here you may use {allowed}.", headers={"Allow": allowed}))
    if error.status_code == 413:
        return problem_response(PayloadTooLarge())
    if error.status_code < 500:
        return problem_response(InvalidRequest("The body cannot be read.", errors=[FieldError("", "Unreadable.")]))
    return problem_response(Unexpected())


def allowed_methods(request: Request) -> list[str]:
    """The methods of every route that matches this path, not only of the first one; of internal ones none is told."""
    found: set[str] = set()
    for route in request.app.router.routes:
        match, _ = route.matches({**request.scope, "method": "\0"})
        if match is not Match.NONE and "/internal/" not in route.path:
            found |= route.methods or set()
    return sorted(found | ({"HEAD"} if "GET" in found else set()))
