"""What JSON may hold before any model sees it.

Python's parser takes NaN, numbers without bound, escaped NULs and lone surrogates; DynamoDB, other
languages and our own indexes do not, so they are refused here with the place where they stand. It also
reads what is nested deeper than we could ever write out again.
"""

import json
import re
from itertools import accumulate
from math import isfinite
from typing import Any
from urllib.parse import unquote_to_bytes

from tessera.problems import FieldError, InvalidRequest, NotFound

MAX_BODY_BYTES = 1_000_000
# Answers can be written 255 levels deep. What a caller keeps with us comes back inside of lists and pages.
MAX_NESTING = 220
_SUSPECT = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]|NaN|Infinity|\d[eE]\+?\d{3}|\d{200}")
_UNWANTED = re.compile("[\x00\ud800-\udfff]")
# Possessive, and content with a text that never ends: no input makes it look at a byte twice.
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+\\?"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_OPENING = b"[{"
# With a byte order mark, which nobody should send, or without one.
_ENCODINGS = frozenset(["utf-8", "utf-8-sig"])


def check_body(body: bytes) -> None:
    """Raise `InvalidRequest` when the JSON cannot be kept as it is. Cheap unless it looks suspicious."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise _refused("", f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    # The parser behind us would read it as UTF-16 or UTF-32, in which nothing looks suspicious (RFC 8259 8.1).
    if json.detect_encoding(body) not in _ENCODINGS:
        raise _refused("", "The body is not UTF-8: it begins like another encoding of Unicode.")
    if nesting(body) > MAX_NESTING:
        raise _refused("", f"The body may be nested {MAX_NESTING} levels deep.")
    if not _SUSPECT.search(body):
        return
    try:
        found = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        # Not JSON at all: the parser behind us says where.
        return
    _walk(found, "")


def nesting(body: bytes) -> int:
    """How deep its lists and objects go; no less than that, while it opens so few that nobody need look."""
    opened = body.count(b"[") + body.count(b"{")
    if opened <= MAX_NESTING:
        return opened
    brackets = _TEXT.sub(b"", body).translate(None, _NO_BRACKETS)
    return max(accumulate(1 if one in _OPENING else -1 for one in brackets), default=0)


def check_query(query: bytes) -> None:
    if b"%00" not in query and not re.search(rb"%[89A-Fa-f]", query):
        return
    try:
        text = unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        raise _refused("?", "The query is not UTF-8.") from None
    if "\x00" in text:
        raise _refused("?", "The query holds a NUL character.")


def check_path(path: str) -> None:
    """Raise `NotFound` for what no path of ours can hold."""
    if _UNWANTED.search(path):
        raise NotFound()


def _walk(value: Any, pointer: str) -> None:
    if isinstance(value, str) and _UNWANTED.search(value):
        raise _refused(pointer, "A NUL character or half of a surrogate pair cannot be kept.")
    if isinstance(value, float) and not isfinite(value):
        raise _refused(pointer, "The number is larger than any that can be kept.")
    if isinstance(value, dict):
        for key, inner in value.items():
            _walk(key, pointer)
            _walk(inner, f"{pointer}/{key}")
    if isinstance(value, list):
        for position, inner in enumerate(value):
            _walk(inner, f"{pointer}/{position}")


def _no_constant(name: str) -> Any:
    raise _refused("", f"{name} is not JSON.")


def _refused(pointer: str, detail: str) -> InvalidRequest:
    clean = pointer.encode("utf-8", "replace").decode().replace("\x00", "")
    return InvalidRequest(detail, errors=[FieldError(clean, detail)])
