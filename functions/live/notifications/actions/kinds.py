"""What staff make of types and their templates."""

from collections.abc import Mapping
from typing import Any

from tessera.problems import FieldError, NotFound

from ..catalogue import shown
from ..ports import Ports
from ..rules import shapes
from ..rules.kinds import CHANNELS, OUTSIDE, Kind, Words
from ..rules.problems import DataInvalid, TemplateInvalid, TypeInvalid
from ..rules.words import FIELDS, faults_of, fill
from ..store.rows import TemplateRow
from ..store.types import words_in


def get(ports: Ports, name: str) -> Kind:
    """Raises `NotFound`."""
    kind = ports.store.types.get(name)
    if kind is None:
        raise NotFound("There is no such type.")
    return kind


def put(ports: Ports, kind: Kind, *, expect: int | None) -> Kind:
    """Make a type or change it. 1 write. Raises `TypeInvalid`, `TemplateInvalid`, `StaleVersion`.

    A schema that no longer names what a published template shows is refused, so that nothing is missing when it
    is sent.
    """
    faults = shapes.faults_of(kind.schema)
    unknown = (kind.channels | kind.mandatory | frozenset(kind.fallback)) - frozenset(CHANNELS)
    faults += [FieldError("/channels", f"There is no channel {name}.") for name in sorted(unknown)]
    if not kind.mandatory <= kind.channels:
        faults.append(FieldError("/mandatory", "Only channels that the type uses."))
    faults += [FieldError("/fallback", f"{name} is the feed itself.") for name in kind.fallback if name not in OUTSIDE]
    if faults:
        raise TypeInvalid("Look at the fields that are named.", errors=faults[:20])
    for row in ports.store.types.versions(kind.name):
        if row.sk.endswith("#CUR"):
            _check(row.sk.partition("#")[0], words_in(row), kind)
    return ports.store.types.put(kind, expect=expect)


def publish(ports: Ports, name: str, channel: str, locale: str, words: Words, *, by: str) -> int:
    """A new version of a template, from now on in use. Raises `NotFound`, `TemplateInvalid`."""
    kind = get(ports, name)
    _check(channel, words, kind)
    return ports.store.types.publish(name, channel, locale, words, by)


def roll_back(ports: Ports, name: str, channel: str, locale: str, number: int) -> TemplateRow:
    """An earlier version again, if it still fits the type. Raises `NotFound`, `TemplateInvalid`."""
    kind = get(ports, name)
    wanted = f"{channel}#{locale}#v{number:05d}"
    row = next((one for one in ports.store.types.versions(name) if one.sk == wanted), None)
    if row is None:
        raise NotFound("There is no such version.")
    _check(channel, words_in(row), kind)
    return ports.store.types.roll_back(name, channel, locale, number)


def preview(
    ports: Ports, name: str, channel: str, locale: str, data: Mapping[str, Any], *, words: Words | None
) -> Words:
    """What would be said, by the templates given or by those in use. Raises `DataInvalid`, `TemplateInvalid`."""
    kind = get(ports, name)
    faults = shapes.misfits(kind.schema, dict(data)) if kind.schema else []
    if faults:
        raise DataInvalid("Look at what the type's schema says.", errors=faults)
    if words is not None:
        _check(channel, words, kind)
    used = words if words is not None else ports.store.types.words(kind, channel, locale)
    return fill(channel, used, {**data, "count": 1, "others": 0})


def _check(channel: str, words: Words, kind: Kind) -> None:
    faults = faults_of(channel, words, shown(kind.schema)) if channel in FIELDS else []
    if faults:
        raise TemplateInvalid("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults), errors=faults)
