"""One app's routes as OpenAPI operations: FastAPI's description, made complete."""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from fastapi.openapi.utils import get_openapi

from tessera import ids
from tessera.auth.guards import Authenticated, Guard, Service
from tessera.entry.guard import guard_of
from tessera.entry.paths import UlidConvertor
from tessera.entry.routing import Route
from tools.document import answers
from tools.document.apps import Loaded

Json = dict[str, Any]

# Functions of `tessera.entry` -> the headers they set.
SHOWN = {
    "show_version": ("ETag",),
    "show_created": ("ETag", "IdempotentReplay", "Location"),
    "show_accepted": ("Location",),
}
BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
WRITTEN = {"ETag": "ETag", "Location": "Location", "Idempotent-Replay": "IdempotentReplay"}
METHODS = ("get", "put", "post", "patch", "delete")
_VALIDATION = frozenset(["HTTPValidationError", "ValidationError"])
# What stands under these keys is data of the API, not a schema.
_VALUES = frozenset(["default", "const", "enum", "example", "examples"])
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")
_ULID: Json = {"type": "string", "pattern": ids.PATTERN, "minLength": 26, "maxLength": 26}


@dataclass(frozen=True)
class Part:
    """What one capability brings to the document."""

    capability: str
    prefix: str
    paths: dict[str, Json] = field(default_factory=dict)
    schemas: dict[str, Json] = field(default_factory=dict)


def part_of(loaded: Loaded) -> Part:
    """The operations and schemas of one capability, without its internal routes."""
    routes = list(_public(loaded.app.router.routes))
    with warnings.catch_warnings():
        # FastAPI warns of names used twice; `merge` refuses them, once they are the names of the document.
        warnings.simplefilter("ignore", UserWarning)
        raw = get_openapi(title=loaded.capability.name, version="0", routes=routes)
    part = Part(loaded.capability.name, loaded.capability.logical_id)
    for route in routes:
        for method in sorted(route.methods or ()):
            described: Json = raw["paths"][route.path_format][method.lower()]
            operation = _operation(loaded.capability.name, route, method, described)
            part.paths.setdefault(route.path_format, {})[method.lower()] = operation
    for name, schema in raw.get("components", {}).get("schemas", {}).items():
        if name not in _VALIDATION:
            part.schemas[name] = plain(schema)
    _add_links(part)
    return part


def _public(routes: list[Any]) -> Iterator[Route]:
    """The routes that belong in the document. Of two for one path and method the first answers, so it counts."""
    seen: set[tuple[str, str]] = set()
    for route in routes:
        if not isinstance(route, Route) or not route.include_in_schema or "/internal/" in f"{route.path}/":
            continue
        taken = {(route.path_format, method) for method in route.methods or ()}
        if isinstance(guard_of(route), Service) or taken & seen:
            continue
        seen |= taken
        yield route


def _operation(capability: str, route: Route, method: str, described: Json) -> Json:
    guard = guard_of(route)
    summary, description = _said(route)
    made: Json = {"tags": described.get("tags") or [capability], "summary": summary}
    if description:
        made["description"] = description
    made["operationId"] = operation_id(capability, route, method, described)
    parameters = [_parameter(route, parameter) for parameter in described.get("parameters", ())]
    if parameters:
        made["parameters"] = parameters
    if "requestBody" in described:
        made["requestBody"] = plain(described["requestBody"])
    made["responses"] = _responses(route, method, guard, described)
    made["security"], made["x-access"] = _security(guard), guard.describe()
    if isinstance(guard, Authenticated) and guard.permission:
        made["x-scopes"] = [guard.permission]
    made.update({key: value for key, value in described.items() if key.startswith("x-")})
    return made


def operation_id(capability: str, route: Route, method: str, described: Json) -> str:
    """`{capability}_{verb}_{noun}`; a read whose function is named by its noun alone gets its verb here."""
    package = capability.replace("-", "_")
    name = (route.operation_id or route.name).removeprefix(f"{package}_")
    if method == "GET" and name.split("_")[0] not in ("get", "list", "find", "search", "export", "read", "show"):
        name = f"{'list' if _is_list(described) else 'get'}_{name}"
    return f"{package}_{name}"


def _is_list(described: Json) -> bool:
    content = described["responses"].get("200", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    name: str = schema.get("$ref", "").rpartition("/")[2]
    return schema.get("type") == "array" or name.startswith("Page_")


def _said(route: Route) -> tuple[str, str]:
    """The first sentence of the docstring, and the whole when there is more."""
    text = " ".join((route.description or "").split())
    first = _SENTENCE.split(text)[0]
    return (route.summary or first.removesuffix(".")), text if text != first else ""


def _parameter(route: Route, given: Json) -> Json:
    schema = plain(given["schema"])
    # A parameter is there or is not; there is no way to send null.
    kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        schema.update(kinds[0])
    elif kinds:
        schema["anyOf"] = kinds
    if schema.get("default", ...) is None:
        del schema["default"]
    description = given.get("description") or schema.get("description")
    schema.pop("description", None)
    if given["in"] == "path" and isinstance(route.param_convertors.get(given["name"]), UlidConvertor):
        schema = dict(_ULID)
    made: Json = {"name": given["name"], "in": given["in"]}
    if description:
        made["description"] = description
    if given.get("required"):
        made["required"] = True
    return {**made, "schema": schema}


def _responses(route: Route, method: str, guard: Guard, described: Json) -> Json:
    declared: Json = described["responses"]
    limited, shown = answers.is_limited(guard), shown_by(route.endpoint)
    made: Json = {}
    for status, response in declared.items():
        if "x-problems" in response or _is_validation(response):
            continue
        made[status] = _success(status, response, shown, limited=limited)
    for code, slugs in answers.problems_of(route, method, guard, described).items():
        made[str(code)] = answers.problem_response(code, slugs, limited=limited)
        made[str(code)]["headers"] |= declared.get(str(code), {}).get("headers", {})
        # What people follow in a browser shows a page besides.
        pages = {kind: of for kind, of in declared.get(str(code), {}).get("content", {}).items() if kind == "text/html"}
        made[str(code)]["content"] |= pages
    return {status: made[status] for status in sorted(made)}


def _is_validation(response: Json) -> bool:
    return "HTTPValidationError" in str(response.get("content", {}).get("application/json", ""))


def _success(status: str, response: Json, shown: list[str], *, limited: bool) -> Json:
    text = response["description"]
    made: Json = {"description": answers.phrase(int(status)) if text == "Successful Response" else text}
    names = [*answers.ALWAYS, *(answers.LIMITED if limited else ())]
    if status != "204":
        names += shown
    made["headers"] = {**answers.headers(*names), **response.get("headers", {})}
    if response.get("content"):
        made["content"] = plain(response["content"])
    return made


def shown_by(endpoint: Callable[..., Any]) -> list[str]:
    """The headers that a route or a helper beside it sets, by name or through the layer's `show_…` functions."""
    found: set[str] = set()
    waiting, seen = [endpoint], set[Callable[..., Any]]()
    while waiting:
        function = waiting.pop()
        seen.add(function)
        found |= {WRITTEN[text] for text in _texts(function.__code__.co_consts) if text in WRITTEN}
        for name in function.__code__.co_names:
            called = function.__globals__.get(name)
            if name in SHOWN:
                found |= set(SHOWN[name])
            elif isinstance(called, FunctionType) and called.__module__ == endpoint.__module__ and called not in seen:
                waiting.append(called)
    return sorted(found)


def _texts(constants: Iterable[object]) -> Iterator[str]:
    for constant in constants:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):
            yield from _texts(constant)


def _security(guard: Guard) -> list[Json]:
    if guard.scheme:
        return [{guard.scheme: []}]
    if not isinstance(guard, Authenticated):
        return []
    found: list[Json] = [{}] if guard.optional else []
    if "user" in guard.kinds:
        found.append({"bearer": []})
    # A key is never of assurance level 2 and has no time of sign-in.
    if "api_key" in guard.kinds and guard.aal < 2 and guard.fresh is None:
        found.append({"api_key": []})
    return found


def plain(value: Any) -> Any:
    """Without the titles that FastAPI and pydantic make of names, which say nothing that the name does not.

    A property may itself be called `title`: only text under that key is dropped.
    """
    if isinstance(value, dict):
        kept = {key: inner for key, inner in value.items() if not (key == "title" and isinstance(inner, str))}
        made = {key: inner if key in _VALUES else plain(inner) for key, inner in kept.items()}
        if made.get("type") == "integer":
            made.setdefault("format", "int64")
            for bound in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
                if isinstance(made.get(bound), float):
                    made[bound] = int(made[bound])
        return _bounds_inside(made)
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def _bounds_inside(schema: Json) -> Json:
    """Bounds on a union, which pydantic writes under its own names, as bounds on each of its numbers."""
    bounds = {BOUNDS[name]: schema.pop(name) for name in BOUNDS if name in schema}
    for kind in schema.get("anyOf", ()) if bounds else ():
        if kind.get("type") in ("integer", "number"):
            kind.update(bounds)
    return schema


def _add_links(part: Part) -> None:
    """From what a POST made to what can be done with it, so that a client can follow and a test can walk."""
    for path, operations in part.paths.items():
        created = operations.get("post", {}).get("responses", {}).get("201")
        if created is None or "id" not in _properties(part, created):
            continue
        for target, methods in part.paths.items():
            rest = target.removeprefix(f"{path}/")
            if target == rest or not re.fullmatch(r"\{\w+\}", rest):
                continue
            _link(created, path, rest[1:-1], methods)


def _link(created: Json, path: str, name: str, methods: Json) -> None:
    kept = {parameter: f"$request.path.{parameter}" for parameter in re.findall(r"\{(\w+)\}", path)}
    for method in METHODS:
        if method in methods and method != "post":
            target = methods[method]
            made = {"operationId": target["operationId"], "parameters": {**kept, name: "$response.body#/id"}}
            created.setdefault("links", {})[target["operationId"]] = made


def _properties(part: Part, response: Json) -> Json:
    schema: Json = response.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Json = part.schemas.get(name, schema).get("properties", {})
    return found
