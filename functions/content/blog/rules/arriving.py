"""What comes in a file from elsewhere, made into what a post may be, or into why it cannot become one."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tessera.ids import is_ulid
from tessera.problems import Problem

from .posts import (
    MAX_BODY_BYTES,
    MAX_EXCERPT,
    MAX_TAG,
    MAX_TAGS,
    MAX_TITLE,
    CommentPolicy,
    Status,
    distinct,
    plain_title,
)

if TYPE_CHECKING:
    from .remarks import Remark

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_UNPACKED_BYTES = 60 * 1024 * 1024
MAX_ITEMS = 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Later than any date that a post was written on by honest clocks.
_LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)
_LINK = re.compile(r"https?://[^\s<>\"]{1,1990}")
_SHELF = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MAX_SHELF = 80
MAX_WRITER = 80
_NOT_IN_TAGS = re.compile(r"[#/?\\,]")


class Unreadable(Problem):
    status, slug, title = 422, "import-unreadable", "This file cannot be imported"


@dataclass(frozen=True)
class Item:
    """A post as a file has it, by its number there. With a `fault` it cannot be one, with `skipped` it should not.

    `notes` say what of it is left behind. Times are milliseconds since 1970; `shelves` are what may be its category,
    each as its slug and its name, of which one may be empty.
    """

    number: int
    title: str
    body: str = ""
    slug: str | None = None
    status: Status = Status.DRAFT
    excerpt: str | None = None
    tags: tuple[str, ...] = ()
    shelves: tuple[tuple[str, str], ...] = ()
    cover_media_id: str | None = None
    canonical_url: str | None = None
    comment_policy: CommentPolicy = CommentPolicy.OPEN
    created_at: int | None = None
    updated_at: int | None = None
    at: int | None = None
    fault: str = ""
    skipped: str = ""
    notes: tuple[str, ...] = ()
    remarks: "tuple[Remark, ...]" = ()


@dataclass(frozen=True)
class Line:
    """What became of an item: `created`, with so many comments, `skipped` or `refused`."""

    number: int
    title: str
    outcome: str
    post_id: str | None = None
    slug: str | None = None
    notes: tuple[str, ...] = ()
    comments: int = 0


def skipped(number: int, title: object, why: str) -> Item:
    return Item(number, titled(title)[:MAX_TITLE], skipped=why)


def item_of(
    number: int,
    told: Mapping[str, Any],
    *,
    status: Status,
    tags: Iterable[object] = (),
    notes: Iterable[str] = (),
    remarks: "Iterable[Remark]" = (),
) -> Item:
    """The item that these fields tell of, whatever is in them."""
    title, body = titled(told.get("title")), text_of(told.get("body"))
    excerpt, noted = text_of(told.get("excerpt")).strip(), list(notes)
    body, noted = _with_picture(body, text_of(told.get("picture")), noted)
    writer = titled(told.get("writer"))[:MAX_WRITER]
    if writer:
        noted.append(f"It was written by {writer}.")
    fault = _fault(title, body)
    if len(excerpt) > MAX_EXCERPT:
        excerpt = ""
        noted.append(f"Its excerpt is left out: it has more than {MAX_EXCERPT} characters.")
    good = distinct(filter(None, map(_tag, tags)))
    if len(good) > MAX_TAGS:
        noted.append(f"Of its tags the first {MAX_TAGS} are kept.")
    link, cover = text_of(told.get("canonical_url")), told.get("cover_media_id")
    policies: dict[object, CommentPolicy] = {policy.value: policy for policy in CommentPolicy}
    return Item(
        number,
        title[:MAX_TITLE],
        body="" if fault else body,
        slug=text_of(told.get("slug"))[:MAX_TITLE].strip() or None,
        status=status,
        excerpt=excerpt or None,
        tags=good[:MAX_TAGS],
        shelves=tuple(_shelf(*one) for one in told.get("shelves", ()))[:MAX_TAGS],
        cover_media_id=cover if isinstance(cover, str) and is_ulid(cover) else None,
        canonical_url=link if _LINK.fullmatch(link) else None,
        comment_policy=policies.get(text_of(told.get("comment_policy")), CommentPolicy.OPEN),
        created_at=millis_of(told.get("created_at")),
        updated_at=millis_of(told.get("updated_at")),
        at=millis_of(told.get("at")),
        fault=fault,
        notes=tuple(noted),
        remarks=tuple(remarks),
    )


def millis_of(value: object) -> int | None:
    """An instant of RFC 3339, or in milliseconds since 1970; None for what is neither or cannot be."""
    if isinstance(value, int) and not isinstance(value, bool):
        found = value
    elif isinstance(value, str):
        try:
            read = datetime.fromisoformat(value)
            found = ((read if read.tzinfo else read.replace(tzinfo=UTC)) - _EPOCH) // timedelta(milliseconds=1)
        except (ValueError, OverflowError):
            return None
    else:
        return None
    return found if 0 <= found <= _LATEST else None


def json_of(body: bytes | str) -> dict[str, Any]:
    """Raises `Unreadable`."""
    try:
        found = json.loads(body if isinstance(body, str) else body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Unreadable("It is not valid JSON in UTF-8.") from None
    if not isinstance(found, dict):
        raise Unreadable("It is JSON, and not an object.")
    return found


def held(count: int) -> None:
    """Raises `Unreadable` for more items than one import takes."""
    if count > MAX_ITEMS:
        raise Unreadable(f"It holds more than {MAX_ITEMS:,} items. Split it.")


def dicts(value: object) -> list[dict[str, Any]]:
    """What of a list is made of fields, for a file that may say anything."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _with_picture(body: str, link: str, notes: list[str]) -> tuple[str, list[str]]:
    """The text below the picture that stood above it there, which nobody has fetched."""
    if not link or not body.strip() or link in body:
        return body, notes
    if not _LINK.fullmatch(link):
        return body, [*notes, "Its picture is left out: the file does not say where it lies."]
    return f"![](<{link}>)\n\n{body}", [*notes, "Its picture stands before its text, and lies where it lay."]


def _fault(title: str, body: str) -> str:
    size = len(body.encode())
    if not title:
        return "It has no title."
    if len(title) > MAX_TITLE:
        return f"Its title has {len(title):,} characters; {MAX_TITLE} are allowed."
    if not body.strip():
        return "It has no text."
    if size > MAX_BODY_BYTES:
        return f"Its text has {size:,} bytes; {MAX_BODY_BYTES:,} are allowed."
    return ""


def titled(value: object) -> str:
    return plain_title(text_of(value))


def text_of(value: object) -> str:
    """Text that can be kept: no halves of characters, no controls but tabs and new lines."""
    if not isinstance(value, str):
        return ""
    whole = value.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one for one in whole if one in "\t\n" or unicodedata.category(one) != "Cc")


def _shelf(slug: str, name: str) -> tuple[str, str]:
    good = len(slug) <= _MAX_SHELF and _SHELF.fullmatch(slug)
    return (slug if good else "", _tag(name))


def _tag(value: object) -> str:
    text = " ".join(_NOT_IN_TAGS.sub(" ", text_of(value)).split())
    return text if len(text) <= MAX_TAG and text.isprintable() else ""
