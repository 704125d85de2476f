"""JSON Schema, as far as the data of a notification needs it. What is not understood is refused, never passed over.

Understood are `type`, `title`, `description`, `properties`, `required`, `additionalProperties: false`, `items`,
`enum`, `minLength`, `maxLength`, `minimum`, `maximum`, `maxItems` (JSON Schema 2020-12).
"""

from collections.abc import Mapping
from typing import Any

from tessera.problems import FieldError

MAX_DEPTH, MAX_PROPERTIES = 4, 50
MAX_TEXT, MAX_ITEMS = 2_000, 100
_WORDS = frozenset(["title", "description"])
_OF_TYPE = {
    "object": frozenset(["properties", "required", "additionalProperties"]),
    "array": frozenset(["items", "maxItems"]),
    "string": frozenset(["enum", "minLength", "maxLength"]),
    "number": frozenset(["minimum", "maximum"]),
    "integer": frozenset(["minimum", "maximum"]),
    "boolean": frozenset[str](),
}
_COUNTS = ("minLength", "maxLength", "maxItems")


def faults_of(schema: Any, place: str = "/schema", depth: int = 0) -> list[FieldError]:
    """What is wrong with a schema; empty when data can be held to it."""
    if not isinstance(schema, Mapping) or schema.get("type") not in _OF_TYPE:
        return [FieldError(f"{place}/type", f"One of {', '.join(_OF_TYPE)}.")]
    kind = str(schema["type"])
    if depth == 0 and kind != "object":
        return [FieldError(f"{place}/type", "The data is an object.")]
    if depth > MAX_DEPTH:
        return [FieldError(place, f"At most {MAX_DEPTH} levels.")]
    found = [
        FieldError(f"{place}/{name}", "This keyword is not understood here.")
        for name in schema
        if name not in _OF_TYPE[kind] | _WORDS | {"type"}
    ]
    found += [
        FieldError(f"{place}/{name}", "A whole number, not negative.")
        for name in _COUNTS
        if name in schema and not (_is_whole(schema[name]) and schema[name] >= 0)
    ]
    found += [
        FieldError(f"{place}/{name}", "A number.")
        for name in ("minimum", "maximum")
        if name in schema and not _is_number(schema[name])
    ]
    if "enum" in schema and not (_is_texts(schema["enum"]) and 0 < len(schema["enum"]) <= MAX_ITEMS):
        found.append(FieldError(f"{place}/enum", "A list of texts."))
    if kind == "array":
        found += faults_of(schema.get("items"), f"{place}/items", depth + 1)
    return found + (_faults_of_object(schema, place, depth) if kind == "object" else [])


def misfits(schema: Mapping[str, Any], data: Any, place: str = "/data") -> list[FieldError]:
    """Where data does not fit a schema that has no faults. At most twenty."""
    kind = schema.get("type", "object")
    if not _is_of(kind, data):
        return [FieldError(place, f"It must be of the type {kind}.")]
    if kind == "object":
        return _misfits_of_object(schema, data, place)
    if kind == "array":
        if len(data) > min(schema.get("maxItems", MAX_ITEMS), MAX_ITEMS):
            return [FieldError(place, "There are too many.")]
        return [fault for at, one in enumerate(data) for fault in misfits(schema["items"], one, f"{place}/{at}")][:20]
    if kind == "string":
        return _misfits_of_text(schema, data, place)
    if kind in ("number", "integer"):
        if "minimum" in schema and data < schema["minimum"]:
            return [FieldError(place, f"It must be at least {schema['minimum']}.")]
        if "maximum" in schema and data > schema["maximum"]:
            return [FieldError(place, f"It must be at most {schema['maximum']}.")]
    return []


def _faults_of_object(schema: Mapping[str, Any], place: str, depth: int) -> list[FieldError]:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, Mapping) or len(properties) > MAX_PROPERTIES:
        return [FieldError(f"{place}/properties", f"An object of at most {MAX_PROPERTIES} properties.")]
    found = []
    if schema.get("additionalProperties", False) is not False:
        found.append(FieldError(f"{place}/additionalProperties", "Only false: what is not named is not taken."))
    if not _is_texts(required) or any(name not in properties for name in required):
        found.append(FieldError(f"{place}/required", "Names of properties."))
    for name, inner in properties.items():
        if not str(name).isidentifier() or len(name) > 40:
            found.append(FieldError(f"{place}/properties", "A name is made of letters, digits and _, up to 40."))
            continue
        found += faults_of(inner, f"{place}/properties/{name}", depth + 1)
    return found


def _misfits_of_object(schema: Mapping[str, Any], data: Mapping[str, Any], place: str) -> list[FieldError]:
    properties = schema.get("properties", {})
    found = [FieldError(f"{place}/{name}", "It is missing.") for name in schema.get("required", ()) if name not in data]
    for name, value in data.items():
        if name not in properties:
            found.append(FieldError(f"{place}/{name[:40]}", "There is no such field."))
        else:
            found += misfits(properties[name], value, f"{place}/{name}")
    return found[:20]


def _misfits_of_text(schema: Mapping[str, Any], data: str, place: str) -> list[FieldError]:
    if "enum" in schema and data not in schema["enum"]:
        return [FieldError(place, "It is none of the values that are named.")]
    longest = min(schema.get("maxLength", MAX_TEXT), MAX_TEXT)
    if not schema.get("minLength", 0) <= len(data) <= longest:
        return [FieldError(place, f"It has {schema.get('minLength', 0)} to {longest} characters.")]
    return []


def _is_of(kind: str, value: Any) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return _is_whole(value)
    if kind == "number":
        return _is_number(value)
    return isinstance(value, dict if kind == "object" else list)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
