"""What JSON may hold before any model sees it.

Python's parser takes NaN, escaped NULs and lone surrogates; DynamoDB, other languages and our own
indexes do not, so they are refused here with the place where they stand.
"""

import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes

from tessera.problems import FieldError, InvalidRequest

MAX_BODY_BYTES = 1_000_000
_SUSPECT = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]|NaN|Infinity")
_UNWANTED = re.compile("[\x00\ud800-\udfff]")


def check_body(body: bytes) -> None:
    """Raise `InvalidRequest` when the JSON cannot be kept as it is. Cheap unless it looks suspicious."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _refused("", f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    if not _SUSPECT.search(body):
        return
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        # Not JSON at all: the parser behind us says where.
        return
    _walk(found, "")


def check_query(query: bytes) -> None:
    if b"%00" not in query and not re.search(rb"%[89A-Fa-f]", query):
        return
    try:
        text = unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        raise _refused("?", "The query is not UTF-8.") from None
    if "\x00" in text:
        raise _refused("?", "The query holds a NUL character.")


def _walk(value: Any, pointer: str) -> None:
    if isinstance(value, str) and _UNWANTED.search(value):
        raise _refused(pointer, "A NUL character or half of a surrogate pair cannot be kept.")
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
