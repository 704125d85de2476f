"""Names of files: which are taken, and how a download is named after one.

A name is only ever shown. Nothing is stored under it, so it never meets a path.
"""

import re
import unicodedata
from urllib.parse import quote

from .problems import refused

MAX_NAME_BYTES = 255
# Marks that turn the direction of what follows, by which `exe.txt` is made to look like something else.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# What may stand unescaped in an extended value (RFC 8187 3.2.1).
_ATTRIBUTE_CHARACTERS = "!#$&+-.^_`|~"
_PLAIN = re.compile(r"[^A-Za-z0-9 !#$&+.,;=@^_`{}~()\[\]-]")


def checked_name(text: str, pointer: str = "/name") -> str:
    """The name in its one Unicode form. Raises `InvalidRequest` for one that could mislead or be taken for a path."""
    name = unicodedata.normalize("NFC", text)
    if not name.strip() or name in (".", ".."):
        raise refused(pointer, "A name must not be empty, `.` or `..`.")
    if "/" in name or "\\" in name:
        raise refused(pointer, "A name holds no slashes. Put the file into a folder instead.")
    if _CONTROL.search(name):
        raise refused(pointer, "A name holds no control characters and no line ends.")
    if _BIDI.search(name):
        raise refused(pointer, "A name holds no marks that turn the direction of writing.")
    if len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        raise refused(pointer, f"A name has at most {MAX_NAME_BYTES} bytes in UTF-8.")
    return name


def sort_key(name: str) -> str:
    """How names are ordered: without regard to case."""
    return unicodedata.normalize("NFC", name.casefold())


def disposition(name: str, *, inline: bool) -> str:
    """`Content-Disposition` with the name twice (RFC 6266 4.3): plain for old clients, exact for all others."""
    kind = "inline" if inline else "attachment"
    plain = _PLAIN.sub("_", unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()).strip() or "file"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_ATTRIBUTE_CHARACTERS)}"


def numbered(name: str, taken: set[str]) -> str:
    """This name, or the first `name (2).txt` that is not taken; the choice is noted in `taken`."""
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    made, number = name, 1
    while sort_key(made) in taken:
        number += 1
        made = f"{stem} ({number}){dot}{ending}"
    taken.add(sort_key(made))
    return made
