import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from tessera.csvio import BadCSV, Column, Limits, convert, read, write

TITLE, NOTES, DUE = Column("title", required=True), Column("notes"), Column("due_date", aliases=("Due", "deadline"))
COLUMNS = (TITLE, NOTES, DUE)


def written(header, *rows) -> bytes:
    return b"".join(write(header, rows))


def cells(body: bytes, **options):
    return [dict(row.cells) for row in read(body, COLUMNS, **options).rows]


def faults(body: bytes, **options):
    return [(fault.row, fault.column, fault.code) for fault in read(body, COLUMNS, **options).faults]


def test_a_file_is_rfc_4180_with_a_byte_order_mark():
    assert written(["a", "b"], ['say "hi"', "x,y"], ["two\nlines", None]) == (
        b'\xef\xbb\xbfa,b\r\n"say ""hi""","x,y"\r\n"two\nlines",\r\n'
    )


@pytest.mark.parametrize("risky", ["=1+1", "+cmd", "-cmd|x", "@sum", "\tx", "\rx", "=cmd|' /C calc'!A0"])
def test_a_formula_is_defused(risky):
    text = written(["a"], [risky]).decode("utf-8-sig")

    assert next(csv.reader(io.StringIO(text.split("\r\n", 1)[1], newline=""))) == ["'" + risky]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (-5, "-5"),
        (-1.5, "-1.5"),
        (Decimal("-0.00000001"), "-0.00000001"),
        ("-12.50", "-12.50"),
        ("+7", "+7"),
        (True, "true"),
        (None, ""),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00.000Z"),
        ("-5-5", "'-5-5"),
    ],
)
def test_numbers_and_other_values_go_out_as_they_are(cell, text):
    assert written(["a"], [cell]).decode("utf-8-sig") == f"a\r\n{text or ''}\r\n".replace("a\r\n\r\n", 'a\r\n""\r\n')


def test_a_header_is_defused_too_and_still_found_on_the_way_in():
    body = written(["=title"], ["x"])

    assert body.decode("utf-8-sig").startswith("'=title")
    assert dict(read(body, [Column("=title")]).rows[0].cells) == {"=title": "x"}


def test_large_files_come_in_pieces():
    pieces = list(write(["a"], ([f"{number:0100}"] for number in range(5000))))

    assert len(pieces) > 3
    assert b"".join(pieces).count(b"\r\n") == 5001


WRITABLE = st.text(
    st.characters(
        exclude_categories=["Cs"], exclude_characters="".join(map(chr, (*range(9), 11, 12, *range(14, 32), 127)))
    )
)


@example([("'=1", "''-x"), ("'-5", "-5"), ("x\t=", "'"), ('"', "\r\n")])
@given(st.lists(st.tuples(WRITABLE.filter(str.strip), WRITABLE), max_size=8))
def test_what_was_exported_imports_unchanged(rows):
    body = written(["title", "notes"], *rows)

    assert cells(body) == [{"title": title, "notes": notes} for title, notes in rows]
    assert faults(body) == []


@given(
    st.binary(max_size=200)
    | st.text(alphabet="title,;\t\"\r\n'=ab", max_size=200).map(lambda text: b"title\n" + text.encode())
)
def test_no_file_is_ever_more_than_a_problem_or_faults(body):
    try:
        read(body, COLUMNS)
    except BadCSV as problem:
        assert problem.status == 422


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        ("title\nCafé".encode(), "utf-8"),
        ("title\nCafé".encode("utf-8-sig"), "utf-8"),
        ("title\nCafé".encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + "title\nCafé".encode("utf-16-be"), "utf-16"),
        ("title\nCafé".encode("cp1252"), "cp1252"),
    ],
)
def test_encodings_are_recognised_and_reported(body, encoding):
    assert read(body, COLUMNS).encoding == encoding
    assert cells(body) == [{"title": "Café"}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "sep"])
def test_delimiters_and_line_ends_are_recognised(end, delimiter, mark):
    lines = [f"sep={delimiter}"] if mark else []
    lines += [f'title{delimiter}"no;t,es"{delimiter}notes', f'"a{delimiter}b"{delimiter}{delimiter}c', ""]

    assert cells(end.join(lines).encode()) == [{"title": f"a{delimiter}b", "notes": "c"}]


def test_headers_are_found_by_name_alias_or_mapping():
    assert cells(b"TITLE , Deadline\na,b") == [{"title": "a", "due_date": "b"}]
    assert cells(b"Title,due-date\na,b") == [{"title": "a", "due_date": "b"}]
    assert cells(b"What,Title\na,b", mapping={"What": "title", "Title": "notes"}) == [{"title": "a", "notes": "b"}]
    assert read(b"title,colour\na,red", COLUMNS).ignored == ("colour",)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"notes\na", "missing: title"),
        (b"title,Title\na,b", "twice: title"),
        (b"PK\x03\x04xx", "workbook"),
        (b"ti\x00tle", "binary"),
        (b"title\n\x81", "encoding"),
        (b'"title\na', "line 1"),
        (b"title" + b",x" * 300, "301 columns"),
    ],
)
def test_a_file_of_no_use_is_refused_with_the_reason(body, message):
    with pytest.raises(BadCSV, match=message):
        read(body, COLUMNS)


def test_a_file_over_its_limits_is_refused():
    with pytest.raises(BadCSV, match="at most 5 are"):
        read(b"title\n", COLUMNS, limits=Limits(size_bytes=5))
    with pytest.raises(BadCSV, match="more than 2 rows"):
        read(b"title\na\nb\n\nc", COLUMNS, limits=Limits(rows=2))
    with pytest.raises(BadCSV, match="nowhere"):
        read(b"x\na", COLUMNS, mapping={"x": "nowhere"})


def test_rows_at_fault_are_named_as_a_spreadsheet_numbers_them_and_the_others_stand():
    body = b'title,notes\na,"two\nlines"\n\n ,x\nb,c,d\ne\nf,\x01\n"g"x,\nh,' + b"y" * 50 + b"\ni,j,\n"

    assert faults(body, limits=Limits(cell_characters=40)) == [
        (4, "title", "required"),
        (5, "", "too-many-cells"),
        (6, "", "too-few-cells"),
        (7, "notes", "control-character"),
        (8, "", "malformed"),
        (9, "notes", "too-long"),
    ]
    assert [row.number for row in read(body, COLUMNS, limits=Limits(cell_characters=40)).rows] == [2, 10]


def test_a_quote_that_is_never_closed_names_the_line_it_opened_on():
    sheet = read(b'title\na\n"b\nc\nd', COLUMNS)

    assert [row.number for row in sheet.rows] == [2]
    assert "line 3" in sheet.faults[0].detail


def test_rows_become_models_and_each_complaint_a_fault():
    class Entry(BaseModel):
        title: str
        due_date: date

    made, found = convert(read(b"title,due\na,2026-01-02\nb,never\n", COLUMNS).rows, Entry.model_validate)

    assert [(row.number, entry.title) for row, entry in made] == [(2, "a")]
    assert [(fault.row, fault.column) for fault in found] == [(3, "due_date")]


def test_a_plain_refusal_becomes_a_fault_of_its_row():
    made, found = convert(read(b"title\na\n7\n", COLUMNS).rows, lambda row: int(row["title"]))

    assert [value for _, value in made] == [7]
    assert found[0].row == 2
