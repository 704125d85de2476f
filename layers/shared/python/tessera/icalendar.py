"""Lines of iCalendar (RFC 5545): escaped, folded, ended as the standard asks."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

MAX_LINE_BYTES = 75


def calendar(product: str, components: Iterable[str]) -> str:
    """A whole calendar of these content lines, ready to be served."""
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//Tessera//{product}//EN", "METHOD:PUBLISH")
    return "".join(f"{line}\r\n" for line in (*head, *components, "END:VCALENDAR"))


def stamp(when: datetime) -> str:
    """`20261121T090000Z`."""
    return f"{when.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def text(name: str, value: str) -> Iterator[str]:
    """A property that holds human text, in as many lines as it needs."""
    yield from _folded(f"{name}:{_escaped(value)}")


def _escaped(value: str) -> str:
    value = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return value.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n").replace("\t", " ")


def _folded(line: str) -> Iterator[str]:
    """RFC 5545 3.1: a line has at most 75 bytes, and goes on in the next one behind a space."""
    piece, size = "", 0
    for character in line:
        width = len(character.encode())
        if size + width > MAX_LINE_BYTES:
            yield piece
            piece, size = " ", 1
        piece, size = piece + character, size + width
    yield piece
