"""Many parts into one document: equal components are shared, unequal ones of one name get their capability's prefix."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tools.document import answers
from tools.document.operations import METHODS, Json, Part
from tools.say import Failure

SCHEMAS = "#/components/schemas/"
# Names of parameters that mean the same wherever they stand.
SHARED_PARAMETERS = {"If-Match": "IfMatch", "Idempotency-Key": "IdempotencyKey", "cursor": "Cursor", "limit": "Limit"}


def merge(parts: Sequence[Part], *, info: Json, tags: Sequence[Json] = ()) -> Json:
    """The whole document. Raises `Failure` when two parts claim one path or one operation id."""
    paths: dict[str, Json] = {}
    schemas: dict[str, Json] = {"Problem": answers.PROBLEM, "FieldError": answers.FIELD_ERROR}
    taken = _names(parts)
    for part in parts:
        renamed = {name: taken[part.capability, name] for name in part.schemas}
        for path, operations in part.paths.items():
            if path in paths:
                raise Failure(f"{part.capability} offers {path}, which another capability offers already.")
            paths[path] = _rewritten(operations, renamed)
        for name, schema in part.schemas.items():
            schemas[renamed[name]] = _rewritten(schema, renamed)
    _require_unique_ids(paths)
    document: Json = {
        "openapi": "3.1.0",
        "info": info,
        "servers": [{"url": "/"}],
        "tags": list(tags),
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": answers.SECURITY_SCHEMES,
            "headers": {name: _without_name(header) for name, header in answers.HEADERS.items()},
        },
    }
    _share_parameters(document)
    _share_problem_responses(document)
    return document


def of_capability(document: Json, part: Part) -> Json:
    """The part of the merged document that one capability answers for, with the components it needs."""
    paths = {path: document["paths"][path] for path in part.paths}
    components: dict[str, Json] = defaultdict(dict)
    waiting, seen = list(_refs(paths)), set[str]()
    while waiting:
        ref = waiting.pop()
        if ref in seen:
            continue
        seen.add(ref)
        _, _, kind, name = ref.split("/", 3)
        components[kind][name] = document["components"][kind][name]
        waiting += _refs(components[kind][name])
    # A security scheme is named, not referred to.
    components["securitySchemes"] = document["components"]["securitySchemes"]
    used = {tag for operations in paths.values() for operation in operations.values() for tag in operation["tags"]}
    return {
        **{key: document[key] for key in ("openapi", "info", "servers")},
        "tags": [tag for tag in document["tags"] if tag["name"] in used],
        "paths": paths,
        "components": {kind: dict(sorted(found.items())) for kind, found in sorted(components.items())},
    }


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _names(parts: Sequence[Part]) -> dict[tuple[str, str], str]:
    """`(capability, name)` -> the name in the merged document."""
    unequal = _unequal(parts)
    found: dict[tuple[str, str], str] = {}
    owners: dict[str, tuple[str, str]] = {}
    reserved = {"Problem": "", "FieldError": ""}
    for part in parts:
        for name in part.schemas:
            new = f"{part.prefix}{name}" if name in unequal or name in reserved else name
            owner = owners.setdefault(new, (part.capability if new != name else "", name))
            if owner != (part.capability if new != name else "", name):
                raise Failure(f"Two schemas would be called {new}: rename {name} of {part.capability}.")
            found[part.capability, name] = new
    return found


def _unequal(parts: Sequence[Part]) -> set[str]:
    """The names that mean different things in different parts, by themselves or by what they refer to."""
    versions: dict[str, set[str]] = defaultdict(set)
    uses: dict[str, set[str]] = defaultdict(set)
    count: Counter[str] = Counter()
    for part in parts:
        for name, schema in part.schemas.items():
            versions[name].add(canonical(schema))
            uses[name] |= {ref.removeprefix(SCHEMAS) for ref in _refs(schema)}
            count[name] += 1
    found = {name for name, seen in versions.items() if len(seen) > 1}
    while True:
        more = {name for name in uses if count[name] > 1 and name not in found and uses[name] & found}
        if not more:
            return found
        found |= more


def _rewritten(value: Any, renamed: dict[str, str]) -> Any:
    def change(ref: str) -> str:
        name = ref.removeprefix(SCHEMAS)
        return f"{SCHEMAS}{renamed.get(name, name)}" if ref.startswith(SCHEMAS) else ref

    return _with_refs(value, change)


def _with_refs(value: Any, change: Callable[[str], str]) -> Any:
    """The value with every reference changed: `$ref`, and the mapping of a discriminator."""
    if isinstance(value, list):
        return [_with_refs(inner, change) for inner in value]
    if not isinstance(value, dict):
        return value
    made: Json = {}
    for key, inner in value.items():
        if key == "$ref" and isinstance(inner, str):
            made[key] = change(inner)
        elif key == "discriminator" and isinstance(inner, dict) and "mapping" in inner:
            made[key] = {**inner, "mapping": {name: change(ref) for name, ref in inner["mapping"].items()}}
        else:
            made[key] = _with_refs(inner, change)
    return made


def _refs(value: Any) -> Iterable[str]:
    found: list[str] = []
    _with_refs(value, lambda ref: found.append(ref) or ref)  # type: ignore[func-returns-value]
    return found


def _operations(document: Json) -> Iterable[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield path, method, methods[method]


def _require_unique_ids(paths: dict[str, Json]) -> None:
    seen: dict[str, str] = {}
    for path, method, operation in _operations({"paths": paths}):
        where, name = f"{method.upper()} {path}", operation["operationId"]
        if name in seen:
            raise Failure(f"{where} and {seen[name]} are both called {name}. Rename one function.")
        seen[name] = where


def _share_parameters(document: Json) -> None:
    """A parameter of a known name becomes a component in its most common form; the others stay where they are."""
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for _, _, operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            if parameter["name"] in SHARED_PARAMETERS:
                forms[parameter["name"]][canonical(parameter)] += 1
    usual = {name: counted.most_common(1)[0][0] for name, counted in forms.items()}
    for _, _, operation in _operations(document):
        for position, parameter in enumerate(operation.get("parameters", ())):
            name = parameter.get("name", "")
            if name in usual and canonical(parameter) == usual[name]:
                operation["parameters"][position] = {"$ref": f"#/components/parameters/{SHARED_PARAMETERS[name]}"}
    shared = {SHARED_PARAMETERS[name]: json.loads(text) for name, text in usual.items()}
    if shared:
        document["components"]["parameters"] = dict(sorted(shared.items()))


def _share_problem_responses(document: Json) -> None:
    """A problem response that stands in several places becomes a component, named by its problems."""
    counted: Counter[str] = Counter()
    for _, _, operation in _operations(document):
        counted.update(canonical(response) for response in operation["responses"].values() if "x-problems" in response)
    shared: dict[str, Json] = {}
    for _, _, operation in _operations(document):
        for status, response in operation["responses"].items():
            if "x-problems" in response and counted[canonical(response)] > 1:
                limited = "Limited" if "RateLimit" in response["headers"] else ""
                name = "".join(slug.title().replace("-", "") for slug in response["x-problems"])
                # Long lists are those of credentials, which are the same nearly everywhere.
                name = f"{limited}{name}" if len(name) < 60 else f"{limited}{name[:40]}{len(response['x-problems'])}"
                while name in shared and shared[name] != response:
                    name += "Too"
                shared[name] = response
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    if shared:
        document["components"]["responses"] = dict(sorted(shared.items()))


def _without_name(header: Json) -> Json:
    return {key: value for key, value in header.items() if key != "x-name"}
