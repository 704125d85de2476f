"""Templates: `{{ name }}`, `{{#items}} … {{/items}}` and `{{^name}} … {{/name}}`.

A section is repeated for each element of a list, kept once for anything else that is there, and left out for what is
not; `^` is the other way round. Inside a section of objects their fields come first. Nothing is computed and nothing
is unescaped, so that a template can show data and do nothing else.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_CHARACTERS = 50_000
MAX_DEPTH = 5
MAX_REPEATS = 100
MAX_OUTPUT = 200_000
_TAG = re.compile(r"\{\{([#^/]?)\s*(.*?)\s*\}\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*|\.")

Escape = Callable[[str], str]


class BadTemplate(ValueError):
    """What is wrong, and in which line."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"Line {line}: {what}")
        self.line, self.what = line, what


@dataclass(frozen=True)
class Shown:
    name: str
    line: int


@dataclass(frozen=True)
class Section:
    name: str
    line: int
    inverted: bool
    parts: "tuple[Part, ...]"


Part = str | Shown | Section


def parse(text: str) -> tuple[Part, ...]:
    """Raises `BadTemplate`."""
    if len(text) > MAX_CHARACTERS:
        raise BadTemplate(1, f"A template has at most {MAX_CHARACTERS} characters.")
    open_: list[tuple[str, int, bool, list[Part]]] = [("", 0, False, [])]
    at = 0
    for tag in _TAG.finditer(text):
        line = text.count("\n", 0, tag.start()) + 1
        _refuse_braces(text[at : tag.start()], text, at)
        open_[-1][3].append(text[at : tag.start()])
        at = tag.end()
        mark, name = tag[1], tag[2]
        if not _NAME.fullmatch(name):
            raise BadTemplate(line, "A placeholder looks like {{ order.number }}.")
        if mark in ("#", "^"):
            if len(open_) > MAX_DEPTH:
                raise BadTemplate(line, f"Sections may be nested {MAX_DEPTH} deep.")
            open_.append((name, line, mark == "^", []))
        elif mark == "/":
            started, since, inverted, parts = open_.pop() if len(open_) > 1 else ("", 0, False, [])
            if started != name:
                raise BadTemplate(line, f"{{{{/{name}}}}} ends no section that is open here.")
            open_[-1][3].append(Section(name, since, inverted, tuple(parts)))
        else:
            open_[-1][3].append(Shown(name, line))
    _refuse_braces(text[at:], text, at)
    if len(open_) > 1:
        raise BadTemplate(open_[-1][1], f"The section {open_[-1][0]} has no end.")
    return (*open_[0][3], text[at:])


def check(text: str, schema: Mapping[str, Any]) -> None:
    """Whether a template shows only what the schema of its data names. Raises `BadTemplate`."""
    _check(parse(text), (schema,))


def render(text: str, data: Mapping[str, Any], *, escape: Escape = str) -> str:
    """The text with the data in it; what is not there is left out. Raises `BadTemplate`."""
    made: list[str] = []
    size = 0
    for piece in _rendered(parse(text), (data,), escape):
        size += len(piece)
        if size > MAX_OUTPUT:
            break
        made.append(piece)
    return "".join(made)


def _refuse_braces(piece: str, text: str, start: int) -> None:
    for mark in ("{{", "}}"):
        found = piece.find(mark)
        if found >= 0:
            raise BadTemplate(text.count("\n", 0, start + found) + 1, f"A {mark} has no other end.")


def _check(parts: Sequence[Part], scopes: tuple[Mapping[str, Any], ...]) -> None:
    for part in parts:
        if isinstance(part, str):
            continue
        found = _declared(part.name, scopes)
        if found is None:
            raise BadTemplate(part.line, f"The type's schema names no {part.name}.")
        if isinstance(part, Shown):
            if found.get("type") in ("object", "array"):
                raise BadTemplate(part.line, f"{part.name} is not text; open a section for it.")
            continue
        inner = found.get("items", {}) if found.get("type") == "array" else found
        _check(part.parts, scopes if part.inverted else (*scopes, inner))


def _declared(name: str, scopes: tuple[Mapping[str, Any], ...]) -> Mapping[str, Any] | None:
    if name == ".":
        return scopes[-1]
    first, *rest = name.split(".")
    for scope in reversed(scopes):
        found = scope.get("properties", {}).get(first)
        if found is not None:
            for step in rest:
                found = found.get("properties", {}).get(step) if found is not None else None
            return found if isinstance(found, Mapping) else None
    return None


def _rendered(parts: Sequence[Part], scopes: tuple[Any, ...], escape: Escape) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, Shown):
            yield escape(_text(_value(part.name, scopes)))
        else:
            value = _value(part.name, scopes)
            if part.inverted:
                if not value:
                    yield from _rendered(part.parts, scopes, escape)
            elif isinstance(value, list):
                for one in value[:MAX_REPEATS]:
                    yield from _rendered(part.parts, (*scopes, one), escape)
            elif value:
                yield from _rendered(part.parts, (*scopes, value), escape)


def _value(name: str, scopes: tuple[Any, ...]) -> Any:
    if name == ".":
        return scopes[-1]
    first, *rest = name.split(".")
    for scope in reversed(scopes):
        if isinstance(scope, Mapping) and first in scope:
            found = scope[first]
            for step in rest:
                found = found.get(step) if isinstance(found, Mapping) else None
            return found
    return None


def _text(value: Any) -> str:
    if value is None or isinstance(value, list | dict):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
