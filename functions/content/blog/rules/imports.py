"""Which kind of file this is, and what is in it."""

from . import archive, ghost, wordpress
from .arriving import Item, Unreadable, json_of

_ZIP = b"PK\x03\x04"


def read(body: bytes) -> list[Item]:
    """The items of an export: of ours, of Ghost's or of WordPress's. Raises `Unreadable`."""
    if body.startswith(_ZIP):
        found = archive.read(body)
    else:
        head = body[:100].removeprefix(b"\xef\xbb\xbf").lstrip()
        if head.startswith(b"{"):
            found = ghost.read(json_of(body))
        elif head.startswith(b"<"):
            found = wordpress.read(body)
        else:
            raise Unreadable("It is neither a zip of ours nor JSON of Ghost nor XML of WordPress.")
    if not found:
        raise Unreadable("There is nothing in it.")
    return found
