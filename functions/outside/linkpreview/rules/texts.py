"""Text of strangers made plain: one line, no markup, nothing invisible that turns the line around."""

import re
import unicodedata
from datetime import UTC, datetime
from html import unescape

# No text is looked at beyond this: what is shown is far shorter.
LOOKED_AT = 20_000

_HIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,2000}>")
_COLOR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,30}|(?:rgb|hsl)a?\([0-9., %/deg]{3,50}\)")
_LANG = re.compile(r"[a-zA-Z]{2,3}(?:[-_][a-zA-Z0-9]{2,8}){0,3}")


def folded(text: str, limit: int) -> str:
    """One line of at most `limit` characters; empty when nothing can be seen."""
    shown = _SURROGATES.sub("", _HIDDEN.sub("", text[:LOOKED_AT]))
    line = unicodedata.normalize("NFC", " ".join(shown.split()))
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def unmarked(text: str, limit: int) -> str:
    """As `folded`, of text in which entities or tags may stand although its format knows none."""
    return folded(_TAG.sub(" ", unescape(text[:LOOKED_AT])), limit)


def instant(text: str | None) -> datetime | None:
    """A time as pages write it (ISO 8601), in UTC; None when it is none."""
    try:
        found = datetime.fromisoformat((text or "").strip()[:40])
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def color(text: str | None) -> str | None:
    found = (text or "").strip()
    return found if _COLOR.fullmatch(found) else None


def language(text: str | None) -> str | None:
    """A language tag as in BCP 47, with the hyphen."""
    found = (text or "").strip()[:40]
    return found.replace("_", "-") if _LANG.fullmatch(found) else None


def number(text: str | None) -> int | None:
    """A length in pixels."""
    digits = (text or "").strip().removesuffix("px")
    return int(digits) if digits.isascii() and digits.isdecimal() and 0 < len(digits) <= 5 else None
