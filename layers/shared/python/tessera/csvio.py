"""CSV out and in: RFC 4180, safe to open in a spreadsheet, and lossless from export to import.

A cell that a spreadsheet would take for a formula (OWASP, "CSV Injection") leaves with an apostrophe
before it and loses that apostrophe on the way in.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from pydantic import ValidationError

from tessera import clock
from tessera.problems import Problem

Cell = str | int | float | Decimal | bool | date | None
Made = TypeVar("Made")

_BOM = "\ufeff"
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_RISKY = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DELIMITERS = (",", ";", "\t")
# The first bytes of what people upload by mistake: workbooks and archives, old workbooks, PDF, gzip.
_OTHER_FORMATS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b")


class BadCSV(Problem):
    status, slug, title = 422, "bad-csv", "This file cannot be imported"


@dataclass(frozen=True)
class Limits:
    """What a file may hold at most."""

    size_bytes: int = 5_000_000
    rows: int = 10_000
    columns: int = 200
    cell_characters: int = 32_768


@dataclass(frozen=True)
class Column:
    """A column that an import knows, under its name or another; case, spaces, `-` and `_` do not matter."""

    name: str
    required: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One row by column name; `number` is what a spreadsheet shows beside it, the header being 1."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Fault:
    """Why a row was left out. `column` is empty when the whole row is at fault."""

    row: int
    column: str
    code: str
    detail: str


@dataclass(frozen=True)
class Sheet:
    """A file as it was read: the good rows, what is wrong with the others, and how it was understood."""

    encoding: str
    delimiter: str
    ignored: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def write(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The file piece by piece: UTF-8 with a byte order mark, line ends CR LF."""
    buffer = io.StringIO(_BOM, newline="")
    buffer.seek(0, io.SEEK_END)
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([_written(name) for name in header])
    for row in rows:
        writer.writerow([_written(cell) for cell in row])
        if buffer.tell() > 65_536:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return clock.rfc3339(cell)
    if not isinstance(cell, str):
        return format(cell, "f") if isinstance(cell, Decimal) else str(cell)
    # An apostrophe already there gets another, so that reading gives back exactly what was written.
    return f"'{cell}" if _RISKY.match(cell) and not _NUMBER.fullmatch(cell) else cell


def read(
    body: bytes, columns: Sequence[Column], *, mapping: Mapping[str, str] | None = None, limits: Limits | None = None
) -> Sheet:
    """Read a whole file. `mapping` names the column for headers as the file spells them, and wins over names.

    A row that is malformed becomes a fault and the others stand. Raises `BadCSV` when the file as a
    whole is of no use: not CSV, too large, no header, a required column missing or given twice.
    """
    allowed = limits or Limits()
    if len(body) > allowed.size_bytes:
        raise BadCSV(f"The file has {len(body)} bytes; at most {allowed.size_bytes} are accepted.")
    text, encoding = _decoded(body)
    text, delimiter = _dialect(text)
    records = _records(text, delimiter)
    first = next((record for _, record in records if record), [])
    if isinstance(first, Fault) or not first:
        raise BadCSV(first.detail if isinstance(first, Fault) else "The file is empty: not even a header is there.")
    names = _header(first, columns, mapping or {}, allowed)
    required = [column.name for column in columns if column.required]
    ignored = tuple(spelled for spelled, name in zip(first, names, strict=True) if not name)
    sheet = Sheet(encoding=encoding, delimiter=delimiter, ignored=ignored)
    filled = ((number, record) for number, record in records if record)
    for count, (number, record) in enumerate(filled, start=1):
        if count > allowed.rows:
            raise BadCSV(f"The file has more than {allowed.rows} rows. Split it.")
        faults = [record] if isinstance(record, Fault) else _faults(number, record, names, required, limits=allowed)
        if faults or isinstance(record, Fault):
            sheet.faults.extend(faults)
        else:
            pairs = zip(names, record, strict=False)
            sheet.rows.append(Row(number, {name: _unguarded(cell) for name, cell in pairs if name}))
    return sheet


def convert(
    rows: Iterable[Row], make: Callable[[Mapping[str, str]], Made]
) -> tuple[list[tuple[Row, Made]], list[Fault]]:
    """What `make` makes of each row, and a fault for every complaint of its `ValueError` or model."""
    made: list[tuple[Row, Made]] = []
    faults: list[Fault] = []
    for row in rows:
        try:
            made.append((row, make(row.cells)))
        except ValidationError as error:
            for wrong in error.errors(include_url=False, include_context=False, include_input=False):
                column = str(wrong["loc"][0]) if wrong["loc"] else ""
                faults.append(Fault(row.number, column, "invalid", wrong["msg"]))
        except ValueError as error:
            faults.append(Fault(row.number, "", "invalid", str(error)))
    return made, faults


def _decoded(body: bytes) -> tuple[str, str]:
    marked = body.startswith((b"\xff\xfe", b"\xfe\xff"))
    if body.startswith(_OTHER_FORMATS) or (b"\x00" in body[:1024] and not marked):
        raise BadCSV("This is a workbook, an archive or another binary file. Export it as CSV UTF-8 first.")
    encodings = ["utf-16"] if marked else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return body.decode(encoding), encoding.removesuffix("-sig")
        except UnicodeDecodeError:
            continue
    raise BadCSV("The encoding is not UTF-8, UTF-16 or Windows-1252. Save the file as CSV UTF-8.")


def _dialect(text: str) -> tuple[str, str]:
    """The text without a spreadsheet's `sep=;` line, and the delimiter: the commonest one in the header."""
    named = re.match(r"sep=([,;\t])(?:\r\n|\r|\n)", text)
    if named:
        return text[named.end() :], named[1]
    header = re.sub(r'"[^"]*"', "", re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0])
    return text, max(_DELIMITERS, key=header.count)


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | Fault]]:
    """Each record with its number; a blank line counts, as it does in a spreadsheet, and comes as `[]`."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        opened = lines.line_num + 1
        try:
            record = next(lines, None)
        except csv.Error:
            # The reader starts afresh on the following line, so the others still stand.
            # A cell beyond the reader's own limit is nearly always a quote that was never closed.
            detail = f"The row that starts on line {opened} has a quote that is misplaced or never closed."
            yield number, Fault(number, "", "malformed", detail)
            continue
        if record is None:
            return
        yield number, record if any(record) else []


def _spelled_alike(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def _header(first: list[str], columns: Sequence[Column], mapping: Mapping[str, str], limits: Limits) -> list[str]:
    """The column's name for each place, empty where the file has one nobody asked for."""
    if len(first) > limits.columns:
        raise BadCSV(f"The header has {len(first)} columns; at most {limits.columns} are accepted.")
    known = {_spelled_alike(spelling): column.name for column in columns for spelling in (column.name, *column.aliases)}
    by_name = {column.name for column in columns}
    strangers = sorted(set(mapping.values()) - by_name)
    if strangers:
        raise BadCSV(f"The mapping names columns that do not exist: {', '.join(strangers)}.")
    names = [mapping.get(spelled) or known.get(_spelled_alike(_unguarded(spelled)), "") for spelled in first]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise BadCSV(f"These columns are there twice: {', '.join(twice)}.")
    missing = [column.name for column in columns if column.required and column.name not in names]
    if missing:
        raise BadCSV(f"These columns are missing: {', '.join(missing)}.")
    return names


def _faults(number: int, record: list[str], names: list[str], required: list[str], *, limits: Limits) -> list[Fault]:
    if len(record) < len(names) or any(record[len(names) :]):
        code = "too-few-cells" if len(record) < len(names) else "too-many-cells"
        return [Fault(number, "", code, f"There are {len(record)} cells; the header has {len(names)}.")]
    found = []
    for name, cell in zip(names, record, strict=False):
        if len(cell) > limits.cell_characters:
            detail = f"The cell has {len(cell)} characters; at most {limits.cell_characters} are accepted."
            found.append(Fault(number, name, "too-long", detail))
        elif _CONTROL.search(cell):
            found.append(Fault(number, name, "control-character", "The cell holds control characters."))
        elif name in required and not cell.strip():
            found.append(Fault(number, name, "required", "The cell is empty; a value is required."))
    return found


def _unguarded(cell: str) -> str:
    return cell[1:] if _GUARDED.match(cell) else cell
