from typing import ClassVar

import pytest
from pydantic import BaseModel

from tessera.bus import Event
from tools import events
from tools.events import Entry


class NoteWritten(Event):
    """A note was written. More is said elsewhere."""

    type: ClassVar[str] = "notes.note.written.v1"

    note_id: str
    size: int
    title: str | None = None


def entry(read: type[BaseModel], emitter: str = "notes") -> dict[str, Entry]:
    schema = NoteWritten.model_json_schema(mode="serialization")
    return {NoteWritten.type: Entry(NoteWritten.type, "", schema, [emitter], {"search": read.model_json_schema()})}


class Fits(BaseModel):
    note_id: str
    title: str | None = None


class Unknown(BaseModel):
    author: str


class Stricter(BaseModel):
    title: str


class Other(BaseModel):
    size: str


def test_a_consumer_that_reads_a_part_of_what_is_sent_fits():
    assert events.faults(entry(Fits)) == []


@pytest.mark.parametrize(
    ("read", "said"),
    [(Unknown, "does not have"), (Stricter, "may also be null"), (Other, "may also be integer")],
)
def test_a_consumer_that_expects_more_than_is_sent_is_found(read, said):
    assert said in events.faults(entry(read))[0]


def test_a_capability_speaks_for_itself_only():
    assert "not its own" in events.faults(entry(Fits, emitter="tasks"))[0]


def test_an_event_that_nobody_sends_is_found():
    assert "nobody emits" in events.faults({"a.b.c.v1": Entry("a.b.c.v1", read={"search": {}})})[0]


def test_an_event_becomes_a_channel_with_what_travels_in_it():
    document = events.asyncapi(entry(Fits), info={"title": "Test", "version": "1"})

    assert document["channels"]["notes_note_written_v1"]["address"] == "notes.note.written.v1"
    payload = document["components"]["schemas"]["notes_note_written_v1"]
    assert payload["properties"]["type"] == {"const": "notes.note.written.v1"}
    assert set(payload["properties"]["data"]["properties"]) == {"note_id", "size", "title"}
