"""What somebody has in a capability, handed out a page at a time: its part of the export of an account.

A capability says it in parts, each a partition of its table or of an index and how the rows of it are shown, next to
how it erases the same. Parts may have parts inside, one set for each of their rows: the revisions of a post, what
somebody has said in a room. A page is some requests, whatever the table holds.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, Protocol, TypeVar

from pydantic import Field
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.cursors import InvalidCursor
from tessera.jobs import JobRow, jobs_of
from tessera.tables import Key, Row, Table
from tessera.types import In, Out, Ulid

# A page ends after whichever of these is reached first; the last step may go over it.
MOST_ITEMS, MOST_BYTES, MOST_QUERIES = 100, 500_000, 16

R = TypeVar("R", bound=Row)
Shown = Mapping[str, Any]
# For each depth, which part it is and the key in it after which to go on.
Place = list[tuple[int, Key | None]]


class ExportIn(In):
    """`addresses` are those of the owner, for what is kept by address alone."""

    owner_id: Ulid
    addresses: Annotated[tuple[Annotated[str, Field(max_length=320)], ...], Field(max_length=10)] = ()
    after: Annotated[str, Field(max_length=4_096)] | None = None


class ExportOut(Out):
    """`next` is what to ask for as `after`, None when there is no more. A page may be empty and have a next one."""

    items: list[dict[str, Any]]
    next: str | None


@dataclass(frozen=True)
class Part(Generic[R]):
    """Some of what somebody has: a partition, narrowed to the keys that begin so and to the rows that are `only` so.

    `show` makes of some rows what is told of them, and leaves out what is none of theirs.
    """

    kind: str
    row: type[R]
    pk: str
    show: Callable[[Sequence[R]], Iterable[Shown]]
    index: str = ""
    begins: str = ""
    only: Condition | None = None
    at_once: int = MOST_ITEMS
    inside: Callable[[R], Sequence["Part[Any]"]] | None = None


class Belongings(Protocol):
    """All that somebody has in a capability, whose table is given for what `show` reads besides."""

    def __call__(self, asked: ExportIn, table: Table) -> Sequence[Part[Any]]: ...


def jobs(owner_id: str) -> Part[JobRow]:
    """What they have asked for that took a while."""
    return Part("job", JobRow, jobs_of(owner_id), fields("state", id="sk", work="kind"))


def exported(table: Table, parts: Sequence[Part[Any]], asked: ExportIn) -> ExportOut:
    """A page of these parts. At most 16 queries, and what `show` reads besides. Raises `InvalidCursor`."""
    page = _Page(table)
    rest = page.fill(parts, _place(asked.after))
    return ExportOut(items=page.items, next=None if rest is None else json.dumps(rest, separators=(",", ":")))


class _Page:
    def __init__(self, table: Table) -> None:
        self.table = table
        self.items: list[dict[str, Any]] = []
        self._bytes = self._queries = 0

    def fill(self, parts: Sequence[Part[Any]], place: Place) -> Place | None:
        """Take what fits, from this place on; the place after it, or None at the end."""
        (first, start), *inner = place or [(0, None)]
        for number in range(first, len(parts)):
            rest = self._take(number, parts[number], start, inner)
            if rest is not None:
                return rest
            start, inner = None, []
        return None

    def _take(self, number: int, part: Part[Any], start: Key | None, inner: Place) -> Place | None:
        if inner and start is not None and part.inside is not None:
            # The page before ended inside of this row, which may be gone since.
            self._queries += 1
            row = self.table.get(part.row, start["pk"], start["sk"])
            rest = self.fill(part.inside(row), inner) if row is not None else None
            if rest is not None:
                return [(number, start), *rest]
        while not self._is_full:
            sort = Path(f"{part.index}_sk" if part.index else "sk").startswith(part.begins) if part.begins else None
            found = self.table.query(
                part.row,
                part.pk,
                sort=sort,
                index=part.index,
                limit=part.at_once if part.inside is None else 1,
                after=start,
                consistent=not part.index,
                only=part.only,
            )
            self._queries += 1
            self._add(part, found.rows)
            for row in found.rows if part.inside is not None else ():
                rest = self.fill(part.inside(row), []) if part.inside is not None else None
                if rest is not None:
                    return [(number, _key(row, part.index)), *rest]
            start = found.next
            if start is None:
                return None
        return [(number, start)]

    @property
    def _is_full(self) -> bool:
        return len(self.items) >= MOST_ITEMS or self._bytes >= MOST_BYTES or self._queries >= MOST_QUERIES

    def _add(self, part: Part[Any], rows: Sequence[Row]) -> None:
        for shown in part.show(rows) if rows else ():
            item = {"kind": part.kind, **{name: value for name, value in shown.items() if value is not None}}
            self.items.append(item)
            self._bytes += len(json.dumps(item, default=str))


def fields(*names: str, **named: str | Callable[[Any], Any]) -> Callable[[Sequence[Row]], Iterable[Shown]]:
    """Shows each row by these attributes, and under other names by an attribute or by what is made of the row."""

    def show(rows: Sequence[Row]) -> Iterable[Shown]:
        for row in rows:
            told = {name: getattr(row, name) for name in names}
            for name, made in named.items():
                told[name] = made(row) if callable(made) else getattr(row, made)
            yield {name: plain(value) for name, value in told.items()}

    return show


def behind(
    table: Table, row: type[R], key: Callable[[Any], tuple[str, str]], show: Callable[[Sequence[R]], Iterable[Shown]]
) -> Callable[[Sequence[Any]], Iterable[Shown]]:
    """Shows what the rows of a list lead to: the row at this key for each of them. 1 request for 100."""
    return lambda found: show(table.get_many(row, [key(one) for one in found]))


def after_hash(attribute: str, nth: int = 1) -> Callable[[Any], str]:
    """What stands in a key between its `#`s: an id, mostly the one after the first of them."""
    return lambda row: str(getattr(row, attribute)).split("#")[nth]


def instant(attribute: str) -> Callable[[Any], str | None]:
    """A time that is kept as milliseconds since 1970."""

    def made(row: Any) -> str | None:
        value = getattr(row, attribute)
        return None if not value else clock.rfc3339(clock.from_millis(int(value)))

    return made


def parsed(attribute: str) -> Callable[[Any], Any]:
    """What is kept as JSON's text."""

    def made(row: Any) -> Any:
        value = getattr(row, attribute)
        return None if value is None else json.loads(value)

    return made


def plain(value: Any) -> Any:
    """A value of a row as JSON has it."""
    if isinstance(value, Decimal | float) and not isinstance(value, bool):
        return int(value) if int(value) == value else float(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(one) for one in value]
    return value


def _key(row: Row, index: str) -> Key:
    names = ("pk", "sk", *((f"{index}_pk", f"{index}_sk") if index else ()))
    return {name: str(getattr(row, name)) for name in names}


def _place(after: str | None) -> Place:
    if after is None:
        return []
    try:
        found: Place = [(int(number), dict(key) if key is not None else None) for number, key in json.loads(after)]
    except (ValueError, TypeError):
        raise InvalidCursor() from None
    if not found:
        raise InvalidCursor()
    return found
