"""The types that request and response bodies are made of.

Every string has a longest length and every list a longest count, in the check and in the schema
alike, so that no body is bounded by the gateway alone.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints
from pydantic.functional_serializers import PlainSerializer
from pydantic.functional_validators import AfterValidator, PlainValidator
from pydantic.json_schema import JsonSchemaValue, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from tessera import clock, ids

MAX_PAGE = 100
MAX_CURSOR_CHARACTERS = 1024

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CONTROL = r"\u0000-\u001f\u007f-\u009f"
_CONTROL_BUT_LINES = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"


@dataclass(frozen=True)
class text:
    """Human text: `Annotated[str, text(120)]`.

    It comes out in Unicode's composed form (NFC), otherwise as it was written. Refused are control
    characters (a multi-line text may hold tabs and line ends) and, unless `min_length` is 0, text that
    is blank. `max_bytes` bounds the UTF-8 form as well, for what an item must hold.
    """

    max_length: int
    min_length: int = 1
    multiline: bool = False
    max_bytes: int | None = None

    @property
    def _refused(self) -> str:
        return _CONTROL_BUT_LINES if self.multiline else _CONTROL

    def _check(self, value: str) -> str:
        if re.search(f"[{self._refused}]", value):
            raise ValueError("control characters are not allowed here")
        composed = unicodedata.normalize("NFC", value)
        if self.min_length and not composed.strip():
            raise ValueError("it must not be blank")
        # Composing lengthens the few characters that Unicode excludes from composition.
        if len(composed) > self.max_length:
            raise ValueError(f"it must have at most {self.max_length} characters")
        if self.max_bytes is not None and len(composed.encode()) > self.max_bytes:
            raise ValueError(f"it must have at most {self.max_bytes} bytes in UTF-8")
        return composed

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        bounded = core_schema.str_schema(min_length=self.min_length, max_length=self.max_length, strict=True)
        return core_schema.no_info_after_validator_function(self._check, bounded)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = handler(schema)
        allowed = f"[^{self._refused}]*"
        found["pattern"] = f"^{allowed}[^\\s{self._refused}]{allowed}$" if self.min_length else f"^{allowed}$"
        return found


def _instant(value: object) -> datetime:
    if isinstance(value, str):
        # Milliseconds are what answers carry, so what is kept equals what was answered.
        found = clock.parse(value)
        return found.replace(microsecond=found.microsecond // 1000 * 1000)
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return value.astimezone(clock.EPOCH.tzinfo)
    raise ValueError("A time looks like 2026-11-21T11:33:00Z, with its offset.")


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("A day looks like 2026-11-21.")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("There is no such day.") from error


def _zone_name(value: str) -> str:
    return clock.zone(value).key


def _tag(value: str) -> str:
    lowered = unicodedata.normalize("NFC", value.lower())
    if len(lowered) > 40:
        raise ValueError("it must have at most 40 characters")
    return lowered


Ulid = Annotated[str, StringConstraints(pattern=ids.PATTERN, min_length=26, max_length=26)]
Name = Annotated[str, text(120)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", min_length=1, max_length=80)]
# No space, `#` or comma, so that tags can stand in sort keys, in quick-add text and in comma lists.
# Kept in lower case: nobody means two tags by Work and work.
Tag = Annotated[
    str, StringConstraints(pattern=rf"^[^\s#,{_CONTROL}]+$", min_length=1, max_length=40), AfterValidator(_tag)
]
ZoneName = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_zone_name)]
Instant = Annotated[
    datetime,
    PlainValidator(_instant),
    PlainSerializer(clock.rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 35}),
]
Day = Annotated[
    date,
    PlainValidator(_day),
    PlainSerializer(date.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date", "maxLength": 10}),
]
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE)]
# The length stands in the schema only: `cursors.decode` answers one that is too long, as 400 `bad-cursor`.
Cursor = Annotated[str, WithJsonSchema({"type": "string", "maxLength": MAX_CURSOR_CHARACTERS})]


def _scalars(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema of a number or a truth value inside this one."""
    if isinstance(schema, dict):
        if schema.get("type") in ("int", "float", "bool"):
            yield schema
        for name, inner in schema.items():
            if name != "metadata":
                yield from _scalars(inner)
    elif isinstance(schema, (list, tuple)):
        for inner in schema:
            yield from _scalars(inner)


class Model(BaseModel):
    """Any data of ours that is checked. What checks it is built when it is first used: most of a function is not.

    What does not pass is not repeated in the error, which may get into a log.
    """

    model_config = ConfigDict(defer_build=True, hide_input_in_errors=True)


class In(Model):
    """A request body: unknown fields are refused, text stays as sent, numbers and truth values are JSON's own.

    pydantic's strict mode would also refuse the text of an enumeration and the object of a nested
    model, since the body arrives as Python objects; so only `"5"`, `5.0` and `true` for a whole number
    and their like are refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        for scalar in _scalars(schema):
            scalar["strict"] = True
        return schema


class Params(Model):
    """Query parameters: as `In`, but numbers arrive as text."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Out(Model):
    """A response body. A field it does not declare is a defect and raises."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def absent() -> Any:
    """The default of a field of a `Patch`: not in the request, so not to be changed."""
    return Field(default=None, json_schema_extra=_without_default)


class Patch(In):
    """A merge patch (RFC 7396): `title: Title = absent()`, and `notes: Notes | None = absent()` where null clears.

    A field reads as None when it was absent as well as when it was null; `changes()` tells them apart.
    """

    def changes(self) -> dict[str, Any]:
        """What the request names, by field, None where it said null. Empty for `{}`."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


Item = TypeVar("Item")


class Page(Out, Generic[Item]):
    """One page of a list; `next` is the cursor of the following page, null on the last one."""

    items: Annotated[list[Item], Field(max_length=MAX_PAGE)]
    next: Annotated[str, Field(max_length=MAX_CURSOR_CHARACTERS)] | None = None
