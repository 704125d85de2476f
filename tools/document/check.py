"""What every document of ours must keep to, as sentences about places in it."""

import re
from collections.abc import Iterator
from typing import Any

from tools.document.operations import METHODS, Json

_BOUNDED_BY = frozenset(["enum", "const", "maxLength"])


def faults(document: Json) -> list[str]:
    """Every place where the document breaks its own rules; empty when it is good."""
    return [*_of_operations(document), *_of_schemas(document), *_of_references(document)]


def _of_operations(document: Json) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            operation = methods.get(method)
            if operation is None:
                continue
            where = operation["operationId"]
            if not operation["summary"]:
                yield f"{where} has no docstring to be its summary."
            if operation["operationId"].count("_") < 1:
                yield f"{where} is not called capability_verb_noun."
            if not any(status.startswith(("2", "3")) for status in operation["responses"]):
                yield f"{where} has no successful answer."
            named = set(re.findall(r"\{(\w+)\}", path))
            given = {p["name"] for p in operation.get("parameters", ()) if p.get("in") == "path"}
            if named != given:
                yield f"{where} has the path {path} but the parameters {sorted(given)}."


def _of_schemas(document: Json) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        yield from _unbounded(schema, name)
    for _, methods in document["paths"].items():
        for method in METHODS:
            operation = methods.get(method, {})
            where = operation.get("operationId", "")
            for parameter in operation.get("parameters", ()):
                yield from _unbounded(parameter.get("schema", {}), f"{where} parameter {parameter.get('name')}")
            for media, content in operation.get("requestBody", {}).get("content", {}).items():
                yield from _unbounded(content.get("schema", {}), f"{where} body {media}")
            for status, response in operation.get("responses", {}).items():
                for media, content in response.get("content", {}).items():
                    # What is not JSON is a file: its length is bounded by the gateway.
                    if media.endswith("json"):
                        yield from _unbounded(content.get("schema", {}), f"{where} {status}")


def _unbounded(schema: Any, where: str) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "string" and not _BOUNDED_BY & schema.keys():
        yield f"{where}: a string without maxLength"
    if schema.get("type") == "array" and not {"maxItems", "prefixItems"} & schema.keys():
        yield f"{where}: an array without maxItems"
    for name, inner in schema.get("properties", {}).items():
        yield from _unbounded(inner, f"{where}.{name}")
    for kind in ("anyOf", "oneOf", "allOf"):
        for inner in schema.get(kind, ()):
            yield from _unbounded(inner, where)
    yield from _unbounded(schema.get("items"), f"{where}[]")
    yield from _unbounded(schema.get("additionalProperties"), f"{where}.*")


def _of_references(document: Json) -> Iterator[str]:
    for ref, where in _references(document, "#"):
        found: Any = document
        for step in ref.removeprefix("#/").split("/"):
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        if found is None:
            yield f"{where} refers to {ref}, which is not there."


def _references(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"], where
        for key, inner in value.items():
            yield from _references(inner, f"{where}/{key}")
    if isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _references(inner, f"{where}/{position}")
