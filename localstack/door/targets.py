"""Which request targets may go on. Pure: the raw target in, the reason for a refusal out.

Behind the door stands an emulator whose own controls (`/_ministack/reset`, `/_aws/...`) answer on the same port, so a
target that any reader on the way could resolve to another path must not reach it.
"""

import re
import unicodedata
from urllib.parse import unquote_to_bytes

LONGEST = 8192
# Each pass undoes one layer of percent-encoding; what is not plain after so many was not written by a client.
PASSES = 6
_UNICODE_ESCAPE = re.compile(r"%u([0-9a-fA-F]{4})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def refusal(target: str) -> str:
    """Why this raw target is refused; nothing when it may pass."""
    if not target.startswith("/"):
        return "The request target must be a path that begins with a slash."
    if len(target) > LONGEST:
        return f"The request target is longer than {LONGEST} characters."
    if "#" in target or not target.isascii():
        return "The request target holds characters that must be percent-encoded."
    reading = target.split("?", 1)[0]
    for _ in range(PASSES):
        reason = _wrong_with(reading)
        if reason:
            return reason
        further = _decoded(reading)
        if further is None:
            return "The path is not valid UTF-8."
        if further == reading:
            return ""
        reading = further
    return "The path is percent-encoded too many times."


def first_segment(target: str) -> str:
    return target.split("?", 1)[0].split("/")[1] if target.startswith("/") else ""


def _wrong_with(path: str) -> str:
    # Compatibility forms, such as the full-width full stop, become what a lenient reader takes them for.
    plain = unicodedata.normalize("NFKC", path)
    if "\\" in plain:
        return "The path holds a backslash."
    if _CONTROL.search(plain):
        return "The path holds a control character."
    segments = plain.split("/")
    # Some readers cut a segment's parameters off before they resolve dots: `..;a=1`.
    if any(segment.split(";", 1)[0] in (".", "..") for segment in segments):
        return "The path holds a dot segment."
    if next((segment for segment in segments if segment), "").startswith("_"):
        return "No path here begins with an underscore."
    return ""


def _decoded(path: str) -> str | None:
    path = _UNICODE_ESCAPE.sub(lambda match: chr(int(match[1], 16)), path)
    try:
        return unquote_to_bytes(path).decode("utf-8")
    except UnicodeError:
        # Overlong forms of dot and slash are among these.
        return None
