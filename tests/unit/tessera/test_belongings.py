"""What somebody has, a page at a time."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.expressions.operand import Path

from tessera import belongings, ids
from tessera.belongings import ExportIn, Part, exported, fields
from tessera.cursors import InvalidCursor
from tessera.tables import Row, Table
from tests.kit.capacity import CapacityMeter

ANN = ids.new()


class ThingRow(Row):
    number = NumberAttribute(default=0)
    secret = UnicodeAttribute(default="never told")
    tags = UnicodeSetAttribute(null=True)
    at = NumberAttribute(null=True)
    by = UnicodeAttribute(default="ann")
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)


@pytest.fixture
def table(table_of: Callable[[str], Table]) -> Table:
    return table_of("Tasks")


def fill(table: Table, count: int, *, pk: str = "U#ann", kind: str = "T#", **values: Any) -> None:
    for number in range(count):
        table.put(ThingRow(pk=pk, sk=f"{kind}{number:05d}", number=number, **values))


def things(**given: Any) -> Part[ThingRow]:
    return Part("thing", ThingRow, "U#ann", fields("number"), **given)


def read(table: Table, parts: Sequence[Part[Any]]) -> list[list[dict[str, Any]]]:
    """Every page, each asked for with what the one before has said."""
    pages: list[list[dict[str, Any]]] = []
    after = None
    while not pages or after is not None:
        page = exported(table, parts, ExportIn(owner_id=ANN, after=after))
        pages.append(page.items)
        after = page.next
        assert len(pages) < 200
    return pages


def numbers(pages: list[list[dict[str, Any]]]) -> list[int]:
    return [item["number"] for page in pages for item in page]


def test_parts_follow_one_another_and_no_row_is_told_twice_or_left_out(table: Table) -> None:
    fill(table, 250)
    fill(table, 30, kind="V#")

    pages = read(table, [things(begins="T#"), things(begins="V#"), things(begins="none")])

    assert numbers(pages) == [*range(250), *range(30)]
    assert all(len(page) <= 2 * belongings.MOST_ITEMS for page in pages)


def test_who_has_nothing_gets_one_page_without_a_next_one(table: Table) -> None:
    assert exported(table, [things(), things()], ExportIn(owner_id=ANN)).model_dump() == {"items": [], "next": None}
    assert exported(table, [], ExportIn(owner_id=ANN)).next is None


def test_a_page_costs_the_same_however_much_there_is(table: Table) -> None:
    costs = []
    for count in (150, 600):
        fill(table, count)
        with CapacityMeter() as meter:
            exported(table, [things()], ExportIn(owner_id=ANN))
        cost = meter.of(table.name)
        assert set(cost.operations) == {"Query"}
        costs.append((cost.requests, cost.read_units))

    assert costs[0] == costs[1]


def test_many_parts_with_little_in_them_are_read_in_bounded_steps(table: Table) -> None:
    parts = [things(begins=f"X{number}") for number in range(40)]

    with CapacityMeter() as meter:
        page = exported(table, parts, ExportIn(owner_id=ANN))

    assert page.next is not None
    assert meter.of(table.name).requests == belongings.MOST_QUERIES
    assert len(read(table, parts)) == 3


def inside(row: ThingRow) -> list[Part[ThingRow]]:
    return [Part("inner", ThingRow, f"IN#{row.number}", fields("number"), begins=begins) for begins in ("T#", "V#")]


def test_what_is_inside_of_a_row_comes_after_it_over_any_number_of_pages(table: Table) -> None:
    fill(table, 3)
    for outer in range(3):
        fill(table, 120, pk=f"IN#{outer}")
        fill(table, 5, pk=f"IN#{outer}", kind="V#")

    pages = read(table, [things(inside=inside), things(begins="T#00002")])

    found = [(item["kind"], item["number"]) for page in pages for item in page]
    expected = []
    for outer in range(3):
        expected += [("thing", outer), *(("inner", number) for number in [*range(120), *range(5)])]
    assert found == [*expected, ("thing", 2)]


def test_a_row_that_goes_between_two_pages_takes_what_was_inside_with_it(table: Table) -> None:
    fill(table, 2)
    fill(table, 150, pk="IN#0")
    first = exported(table, [things(inside=inside)], ExportIn(owner_id=ANN))
    table.delete(Row, "U#ann", "T#00000")

    rest = exported(table, [things(inside=inside)], ExportIn(owner_id=ANN, after=first.next))

    assert [(item["kind"], item["number"]) for item in rest.items] == [("thing", 1)]


def test_an_index_pages_as_the_table_does(table: Table) -> None:
    for number in range(130):
        table.put(ThingRow(pk=f"P#{number}", sk="META", number=number, gs1_pk="A#ann", gs1_sk=f"{number:05d}"))
    fill(table, 1, pk="IN#129")
    by_index: Part[ThingRow] = Part("thing", ThingRow, "A#ann", fields("number"), index="gs1")
    one_by_one: Part[ThingRow] = Part("thing", ThingRow, "A#ann", fields("number"), index="gs1", inside=inside)

    assert numbers(read(table, [by_index])) == list(range(130))
    assert numbers(read(table, [one_by_one])) == [*range(130), 0]


def test_rows_that_are_not_theirs_are_looked_at_and_not_told(table: Table) -> None:
    fill(table, 150, by="bob")
    table.put(ThingRow(pk="U#ann", sk="T#99999", number=7))

    assert numbers(read(table, [things(only=Path("by") == "ann")])) == [7]


def test_only_the_fields_that_are_named_are_told_and_as_json_has_them(table: Table) -> None:
    table.put(ThingRow(pk="U#ann", sk="T#1", number=2, tags={"b", "a"}, at=1_900_000_000_000))
    show = fields("number", "tags", at=belongings.instant("at"), id=belongings.after_hash("sk"), gone="gs1_pk")

    page = exported(table, [Part("thing", ThingRow, "U#ann", show)], ExportIn(owner_id=ANN))

    shown = {"kind": "thing", "number": 2, "tags": ["a", "b"], "at": "2030-03-17T17:46:40.000Z", "id": "1"}
    assert page.items == [shown]


def test_large_items_end_a_page_early(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belongings, "MOST_BYTES", 2_000)
    fill(table, 10)
    show = fields("number", text=lambda row: "x" * 1_500)

    pages = read(table, [Part("thing", ThingRow, "U#ann", show, at_once=1)])

    assert [len(page) for page in pages[:5]] == [2, 2, 2, 2, 2] and numbers(pages) == list(range(10))


@pytest.mark.parametrize("after", ["x", "{}", "[[1]]", "[1]", "[]x", '[["a", null]]', "null"])
def test_a_place_that_is_none_of_ours_is_refused(table: Table, after: str) -> None:
    with pytest.raises(InvalidCursor):
        exported(table, [things()], ExportIn(owner_id=ANN, after=after))


def test_a_job_is_told_by_what_it_was(table: Table) -> None:
    from tessera.jobs import Jobs
    from tessera.transact import transact

    job, keeping = Jobs(table).starting(ANN, "import")
    transact(keeping)

    page = exported(table, [belongings.jobs(ANN)], ExportIn(owner_id=ANN))

    assert json.loads(page.model_dump_json())["items"] == [
        {"kind": "job", "id": job.id, "work": "import", "state": "queued"}
    ]
