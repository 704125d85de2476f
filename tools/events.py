"""`python -m tools.events`: every event, who emits it and who reads it. `catalogue()` is what the build prints.

Emitters declare an event in their `events.py`, consumers the part of it that they read in their `triggers.py`.
"""

import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from tessera import bus, ids
from tessera.auth.audit import EntryRecorded
from tessera.triggers import Entries
from tools import registry
from tools.document import apps, operations
from tools.say import Failure, explain

Json = dict[str, Any]

# What every capability that tells anything also tells, without a line in its own `events.py`.
SHARED: tuple[Any, ...] = (EntryRecorded,)
VERSION = "3.0.0"
_TRACEPARENT = "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"


@dataclass
class Entry:
    """One type of event. `schema` is the emitter's, `read` what each consumer expects of it."""

    type: str
    summary: str = ""
    schema: Json = field(default_factory=dict)
    emitters: list[str] = field(default_factory=list)
    read: dict[str, Json] = field(default_factory=dict)


def catalogue() -> dict[str, Entry]:
    """Every event by its type. Raises `Failure` when two emitters of one type disagree about its data."""
    found: dict[str, Entry] = {}
    for capability in registry.capabilities():
        module = apps.load(capability, "events")
        for event in [*emitted(module), *(SHARED if module else ())]:
            entry = found.setdefault(event.type, Entry(event.type))
            schema = operations.plain(event.model_json_schema(mode="serialization"))
            schema.pop("description", None)
            if entry.emitters and entry.schema != schema:
                raise Failure(f"{capability.name} and {entry.emitters[0]} disagree about the data of {event.type}.")
            entry.schema, entry.summary = schema, entry.summary or _summary(event)
            entry.emitters.append(capability.name)
        for on in consumed(apps.load(capability, "triggers")):
            model: Json = on.model.model_json_schema(mode="validation")
            found.setdefault(on.name, Entry(on.name)).read[capability.name] = operations.plain(model)
    return dict(sorted(found.items()))


def emitted(module: ModuleType | None) -> list[type[bus.Event]]:
    """The events that a module declares; what begins with an underscore is only their common part."""
    return (
        [
            value
            for name, value in vars(module).items()
            if isinstance(value, type)
            and issubclass(value, bus.Event)
            and (value.__module__ == getattr(module, "__name__", "") or _is_lent(value))
            and not name.startswith("_")
        ]
        if module
        else []
    )


def _is_lent(event: type[bus.Event]) -> bool:
    """Declared by the layer, because other capabilities write it into the table of the one that names it."""
    return event.__module__.startswith("tessera.") and event is not bus.Event and event not in SHARED


def consumed(module: ModuleType | None) -> list[Any]:
    entries = getattr(module, "ENTRIES", None)
    return list(entries.events) if isinstance(entries, Entries) else []


def faults(entries: dict[str, Entry]) -> list[str]:
    """Where the two ends do not fit; empty when they do."""
    found = []
    for entry in entries.values():
        if not entry.emitters:
            found.append(f"{', '.join(entry.read)} waits for {entry.type}, which nobody emits.")
        for emitter in entry.emitters:
            if not bus.may_emit(emitter, entry.type):
                found.append(f"{emitter} emits {entry.type}, which is not its own.")
        if entry.emitters:
            found += [
                f"{consumer} reads {entry.type} {what}"
                for consumer, model in entry.read.items()
                for what in misfits(entry.schema, model)
            ]
    return found


def misfits(emitted_schema: Json, read: Json, place: str = "data") -> list[str]:
    """What a consumer expects that the emitter does not promise."""
    found = []
    promised: Json = emitted_schema.get("properties", {})
    always = {name for name in promised if name in emitted_schema.get("required", ()) or "default" in promised[name]}
    for name, wanted in read.get("properties", {}).items():
        if name not in promised:
            if name in read.get("required", ()):
                found.append(f"{place}.{name}, which the event does not have.")
            continue
        if name in read.get("required", ()) and name not in always:
            found.append(f"{place}.{name}, which the event may leave out.")
        surplus = _types(promised[name], emitted_schema) - _types(wanted, read)
        if surplus:
            found.append(f"{place}.{name}, which may also be {', '.join(sorted(surplus))}.")
    return found


def _types(schema: Json, root: Json) -> set[str]:
    """The JSON types a value of this schema may have; empty when it may have any."""
    if "$ref" in schema:
        return _types(root.get("$defs", {}).get(schema["$ref"].rpartition("/")[2], {}), root)
    if "anyOf" in schema:
        return set().union(*(_types(inner, root) for inner in schema["anyOf"]))
    kind = schema.get("type", [])
    found = {kind} if isinstance(kind, str) else set(kind)
    return found | ({"integer"} if "number" in found else set())


def asyncapi(entries: dict[str, Entry], *, info: Json) -> Json:
    """The catalogue as AsyncAPI 3: one channel, one message and one operation an event."""
    channels, messages, operations_, schemas = {}, {}, {}, {}
    for entry in entries.values():
        name = entry.type.replace(".", "_").replace("-", "_")
        schemas[name] = _envelope(entry)
        messages[name] = {
            "name": entry.type,
            "summary": entry.summary,
            "contentType": "application/json",
            "payload": {"$ref": f"#/components/schemas/{name}"},
        }
        channels[name] = {"address": entry.type, "messages": {name: {"$ref": f"#/components/messages/{name}"}}}
        operations_[f"send_{name}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{name}"},
            "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
            "x-emitters": entry.emitters,
            "x-consumers": sorted(entry.read),
        }
    return {
        "asyncapi": VERSION,
        "info": info,
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations_,
        "components": {"messages": messages, "schemas": schemas},
    }


def _envelope(entry: Entry) -> Json:
    """What travels: the event's own data within `id`, `type`, `time` and `trace`."""
    return {
        "type": "object",
        "required": ["id", "type", "time", "trace", "data"],
        "properties": {
            "id": {"type": "string", "pattern": ids.PATTERN, "maxLength": 26},
            "type": {"const": entry.type},
            "time": {"type": "string", "format": "date-time", "maxLength": 35},
            "trace": {"type": "string", "pattern": _TRACEPARENT, "maxLength": 55},
            "data": _inlined(entry.schema, entry.schema.get("$defs", {})),
        },
    }


def _inlined(value: Any, definitions: Json) -> Any:
    """Without `$defs`: within a larger document their references would lead nowhere."""
    if isinstance(value, list):
        return [_inlined(inner, definitions) for inner in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _inlined(definitions[value["$ref"].rpartition("/")[2]], definitions)
    return {key: _inlined(inner, definitions) for key, inner in value.items() if key != "$defs"}


def _summary(event: Any) -> str:
    """The docstring's first sentence, or the name in words where there is none: `task created`."""
    own = " ".join((event.__dict__.get("__doc__") or "").split())
    _, noun, verb, _ = event.type.split(".")
    return own.split(". ")[0].removesuffix(".") if own else f"{noun} {verb}".replace("_", " ")


def main() -> int:
    try:
        entries = catalogue()
    except Failure as failure:
        explain("events", failure)
        return 1
    for entry in entries.values():
        readers = ", ".join(sorted(entry.read)) or "nobody yet"
        print(f"{entry.type:<44} {', '.join(entry.emitters):<24} -> {readers}")
    wrong = faults(entries)
    print(*wrong, sep="\n", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
