from typing import ClassVar

import pytest
from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from tessera import aws, clock
from tessera.bus import Event
from tessera.etags import StaleVersion
from tessera.expressions import is_free, is_new
from tessera.outbox import Envelope
from tessera.problems import Busy, NotFound
from tessera.tables import ConditionFailed, Row
from tests.kit.faults import failing
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in


class NoteRow(Row):
    text = UnicodeAttribute()
    reads = NumberAttribute(default=0)


class NoteWritten(Event):
    type: ClassVar[str] = "tasks.note.written.v1"

    note_id: str


@pytest.fixture
def table(table_of):
    return table_of("Tasks")


def note(sk="N#1", text="milk", **more):
    return NoteRow(pk="U#1", sk=sk, text=text, **more)


def test_an_item_comes_back_as_it_was_put(table):
    table.put(note())

    found = table.get(NoteRow, "U#1", "N#1")

    assert (found.text, found.version, found.reads) == ("milk", 1, 0)


def test_a_put_that_needs_a_free_key_is_refused_with_the_item_in_the_way(table):
    table.put(note(text="first"))

    with pytest.raises(ConditionFailed) as refused:
        table.put(note(text="second"), only_if=is_new())

    assert refused.value.old.text == "first"


def test_an_expired_item_is_not_read_and_does_not_hold_its_key(table, frozen):
    table.put(note(ttl=int(clock.now().timestamp())))

    assert table.get(NoteRow, "U#1", "N#1") is None
    assert table.query(NoteRow, "U#1").rows == []
    table.put(note(text="next"), only_if=is_free())
    assert table.get(NoteRow, "U#1", "N#1").text == "next"


def test_an_update_raises_the_version_and_returns_the_item_as_it_is_now(table):
    table.put(note())

    after = table.update(NoteRow, "U#1", "N#1", NoteRow.text.set("bread"), expect=1)

    assert (after.text, after.version) == ("bread", 2)


def test_a_counter_may_leave_the_version_alone(table):
    table.put(note())

    after = table.update(NoteRow, "U#1", "N#1", NoteRow.reads.add(3), bump=False)

    assert (after.reads, after.version) == (3, 1)


def test_an_update_never_makes_an_item(table):
    with pytest.raises(ConditionFailed):
        table.update(NoteRow, "U#1", "N#1", NoteRow.text.set("bread"))

    assert everything_in(table) == []


def test_an_update_of_a_version_that_is_not_there_is_not_found(table):
    with pytest.raises(NotFound):
        table.update(NoteRow, "U#1", "N#1", NoteRow.text.set("bread"), expect=1)


def test_a_stale_version_is_refused_and_both_versions_are_named(table):
    table.put(note())
    table.update(NoteRow, "U#1", "N#1", NoteRow.text.set("bread"), expect=1)

    with pytest.raises(StaleVersion, match="version 1; it is at 2"):
        table.update(NoteRow, "U#1", "N#1", NoteRow.text.set("butter"), expect=1)


def test_of_many_updates_of_one_version_exactly_one_wins(table):
    table.put(note())

    results = together(lambda: table.update(NoteRow, "U#1", "N#1", NoteRow.reads.add(1), expect=1), times=12)

    assert outcomes(results) == {"ok": 1, "version-mismatch": 11}


def test_an_event_rides_on_its_item_and_the_next_write_clears_it(table):
    table.put(note(), event=NoteWritten(note_id="1"))
    (item,) = everything_in(table)
    envelope = Envelope.parse(item["event"]["S"])

    table.update(NoteRow, "U#1", "N#1", NoteRow.reads.add(1))
    (later,) = everything_in(table)

    assert (envelope.type, envelope.data, envelope.id) == (NoteWritten.type, {"note_id": "1"}, item["event_id"]["S"])
    assert "event" not in later and "event_id" not in later


def test_an_update_with_a_remove_of_its_own_still_clears_the_event(table):
    table.put(note(ttl=2_000_000_000), event=NoteWritten(note_id="1"))

    table.update(NoteRow, "U#1", "N#1", NoteRow.ttl.remove(), NoteRow.text.set("bread"))

    (item,) = everything_in(table)
    assert item.keys() == {"pk", "sk", "version", "text", "reads"}


def test_an_update_with_its_own_event_replaces_the_last_one(table):
    table.put(note(), event=NoteWritten(note_id="1"))

    table.update(NoteRow, "U#1", "N#1", NoteRow.text.set("bread"), event=NoteWritten(note_id="2"))

    (item,) = everything_in(table)
    assert Envelope.parse(item["event"]["S"]).data == {"note_id": "2"}


def test_pages_follow_one_another_without_gap_or_repeat(table):
    for number in range(7):
        table.put(note(sk=f"N#{number}"))

    first = table.query(NoteRow, "U#1", sort=NoteRow.sk.startswith("N#"), limit=3)
    second = table.query(NoteRow, "U#1", limit=3, after=first.next)
    third = table.query(NoteRow, "U#1", limit=3, after=second.next)

    assert [row.sk for page in (first, second, third) for row in page.rows] == [f"N#{n}" for n in range(7)]
    assert third.next is None


def test_many_items_come_in_the_order_they_were_asked_for(table):
    for number in range(120):
        table.put(note(sk=f"N#{number}"))
    keys = [("U#1", f"N#{number}") for number in range(119, -1, -1)]

    with aws.metered() as meter:
        found = table.get_many(NoteRow, [*keys, ("U#1", "absent")])

    assert [(row.pk, row.sk) for row in found] == keys
    assert meter.operations == ["BatchGetItem", "BatchGetItem"]


def test_throttling_is_an_answer_to_try_again_not_a_crash(table):
    with failing("dynamodb", "GetItem", code="ThrottlingException"), pytest.raises(Busy):
        table.get(NoteRow, "U#1", "N#1")


def test_a_call_is_metered_with_its_units(table):
    with aws.metered() as outer, aws.metered() as inner:
        table.put(note())
        table.get(NoteRow, "U#1", "N#1")

    assert inner.operations == ["PutItem", "GetItem"]
    assert outer.requests == inner.requests == 2
