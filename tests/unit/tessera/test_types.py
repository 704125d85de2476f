import unicodedata
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from tessera import ids
from tessera.types import (
    Cursor,
    Day,
    In,
    Instant,
    Limit,
    Name,
    Out,
    Page,
    Params,
    Patch,
    Slug,
    Tag,
    Ulid,
    ZoneName,
    absent,
    text,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"


class Inner(In):
    amount: int = 0


class Body(In):
    name: Name = "x"
    count: int | None = None
    share: float = 0.5
    done: bool = False
    colour: Colour = Colour.RED
    mode: Literal["a", "b"] = "a"
    numbers: Annotated[list[int], Field(default_factory=list, max_length=3)]
    inner: Inner | None = None
    when: Instant | None = None
    day: Day | None = None


class Change(Patch):
    title: Name = absent()
    notes: Annotated[str, text(100, multiline=True)] | None = absent()
    count: int = absent()


def accepts(kind, value):
    return TypeAdapter(kind).validate_python(value)


def refused(kind, value):
    with pytest.raises(ValidationError):
        accepts(kind, value)


def test_text_keeps_its_spaces_and_comes_out_composed():
    assert accepts(Name, " Cafe\u0301 ") == " Caf\u00e9 "


@pytest.mark.parametrize(
    "value", ["", "   ", "\u00a0\u2003", "a\x00b", "a\nb", "a\tb", "a\x7f", "a\x85", "x" * 121, 5, None, "\ud800"]
)
def test_text_that_is_blank_controlled_or_too_long_is_refused(value):
    refused(Name, value)


def test_multi_line_text_holds_lines_but_no_other_control_characters():
    notes = Annotated[str, text(100, multiline=True)]

    assert accepts(notes, "a\r\n\tb") == "a\r\n\tb"
    refused(notes, "a\x00b")
    refused(notes, "\n\n")


def test_text_may_be_empty_where_that_is_said():
    assert accepts(Annotated[str, text(10, min_length=0)], "") == ""


def test_text_is_bounded_in_bytes_where_that_is_said():
    bounded = Annotated[str, text(10, max_bytes=10)]

    assert accepts(bounded, "é" * 5) == "é" * 5
    refused(bounded, "é" * 6)


def test_composing_never_makes_text_longer_than_its_bound():
    refused(Annotated[str, text(3)], "\u0958" * 3)


@given(st.text(max_size=130))
def test_text_is_accepted_as_its_schema_says_or_refused(value):
    try:
        found = accepts(Name, value)
    except ValidationError:
        return
    assert found == unicodedata.normalize("NFC", value) and 0 < len(found) <= 120 and found.strip()


@pytest.mark.parametrize("kind", [Name, Slug, Tag, Ulid, ZoneName, Instant, Day, Cursor])
def test_every_string_has_a_longest_length_in_its_schema(kind):
    for mode in ("validation", "serialization"):
        schema = TypeAdapter(kind).json_schema(mode=mode)
        assert schema["type"] == "string" and schema["maxLength"] > 0


def test_a_page_bounds_its_items_and_its_cursor():
    schema = Page[int].model_json_schema(mode="serialization")

    assert schema["properties"]["items"]["maxItems"] == 100
    assert schema["properties"]["next"]["anyOf"][0]["maxLength"] == 1024
    assert Page[int](items=[1, 2]).model_dump() == {"items": [1, 2], "next": None}


def test_ulids_are_read_in_capitals_only():
    made = ids.new()

    assert accepts(Ulid, made) == made
    for bad in (made.lower(), made + "\n", made[:-1], "8" + made[1:]):
        refused(Ulid, bad)


def test_slugs_and_tags():
    assert accepts(Slug, "a-b-1") == "a-b-1"
    for bad in ("", "A", "a--b", "-a", "a b", "ü"):
        refused(Slug, bad)
    assert accepts(Tag, "Größe") == "größe"
    for bad in ("", "a b", "a#b", "a,b", "a\u2003b", "x" * 41, "a\x00"):
        refused(Tag, bad)


def test_an_instant_needs_its_offset_and_goes_out_in_utc():
    class Seen(Out):
        at: Instant

    assert accepts(Instant, "2026-11-21T14:00:00.123987+02:00") == NOON.replace(microsecond=123_000)
    assert Seen(at=NOON).model_dump_json() == '{"at":"2026-11-21T12:00:00.000Z"}'
    for bad in ("2026-11-21T14:00:00", "2026-11-21", 1_700_000_000, datetime(2026, 1, 1), None, ["2026"]):
        refused(Instant, bad)


def test_a_day_is_a_day_and_nothing_else():
    class Seen(Out):
        on: Day

    assert accepts(Day, "2028-02-29") == date(2028, 2, 29)
    assert Seen(on=date(2026, 1, 2)).model_dump_json() == '{"on":"2026-01-02"}'
    for bad in ("2026-02-30", "20261121", "2026-W47-6", "2026-1-1", NOON, 5, "2026-11-21T00:00:00Z"):
        refused(Day, bad)


def test_a_zone_is_one_that_exists():
    assert accepts(ZoneName, "Europe/Berlin") == "Europe/Berlin"
    for bad in ("Mars/Base", "America", "../x", "", "x" * 65):
        refused(ZoneName, bad)


def test_a_limit_is_read_from_a_query_and_bounded():
    class Query(Params):
        limit: Limit = 20

    assert Query.model_validate({"limit": "100"}).limit == 100
    for bad in ("0", "101", "abc", ""):
        refused(Query, {"limit": bad})


@pytest.mark.parametrize(
    "body",
    [
        {"count": "5"},
        {"count": 5.0},
        {"count": True},
        {"share": "0.5"},
        {"share": float("nan")},
        {"done": 1},
        {"done": "true"},
        {"colour": "blue"},
        {"mode": "c"},
        {"numbers": ["1"]},
        {"numbers": [1, 2, 3, 4]},
        {"inner": {"amount": "1"}},
        {"inner": {"extra": 1}},
        {"unknown": 1},
        {"name": None},
    ],
)
def test_a_body_is_taken_as_json_wrote_it_or_not_at_all(body):
    refused(Body, body)


def test_a_body_takes_enumerations_nested_objects_times_and_whole_floats():
    body = Body.model_validate(
        {
            "name": " a ",
            "count": 5,
            "share": 1,
            "done": True,
            "colour": "red",
            "mode": "b",
            "numbers": [1],
            "inner": {"amount": 3},
            "when": "2026-11-21T12:00:00Z",
            "day": "2026-11-21",
        }
    )

    assert (body.name, body.share, body.colour, body.inner) == (" a ", 1.0, Colour.RED, Inner(amount=3))


def test_a_patch_tells_absent_from_null():
    assert Change.model_validate({}).changes() == {}
    assert Change.model_validate({"notes": None}).changes() == {"notes": None}
    assert Change.model_validate({"count": 0, "title": "a"}).changes() == {"title": "a", "count": 0}


@pytest.mark.parametrize("body", [{"title": None}, {"title": " "}, {"count": None}, {"count": "1"}, {"other": 1}])
def test_a_patch_refuses_null_where_nothing_can_be_cleared(body):
    refused(Change, body)


def test_a_patch_shows_no_default_in_its_schema():
    properties = Change.model_json_schema()["properties"]

    assert "default" not in properties["title"] and "default" not in properties["notes"]
    assert Change.model_json_schema().get("required") is None
