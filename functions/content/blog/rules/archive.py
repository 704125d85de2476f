"""The blog's own format: a zip of one Markdown file for each post, with front matter, and `blog.json` about all."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from .arriving import MAX_ITEMS, MAX_UNPACKED_BYTES, Item, Unreadable, dicts, held, item_of, json_of, skipped
from .posts import Body, Post, Status

FORMAT, VERSION = "tessera-blog", 1
INDEX = "blog.json"
_FENCE = "---\n"
_NAME_LETTERS = 40
_FRONT = ("title", "slug", "status", "published_at", "publish_at", "updated_at", "excerpt", "tags", "category")


def record_of(post: Post, body: Body) -> dict[str, Any]:
    """A post as it is kept between the steps of an export."""
    times = ("created_at", "updated_at", "published_at", "publish_at", "deleted_at")
    return {
        "id": post.id,
        "title": post.title,
        "slug": post.slug,
        "status": post.status.value,
        **{name: _instant(getattr(post, name)) for name in times},
        "excerpt": post.excerpt,
        "tags": list(post.tags),
        "category": post.category,
        "cover_media_id": post.cover_media_id,
        "canonical_url": post.canonical_url,
        "comment_policy": post.comment_policy.value,
        "body": body.source,
    }


def add(archive: zipfile.ZipFile, record: dict[str, Any]) -> dict[str, Any]:
    """Write a post into the archive; what the index says of it comes back."""
    name = f"posts/{record['id']}-{record['slug'][:_NAME_LETTERS]}.md"
    archive.writestr(name, markdown(record))
    return {**{field: value for field, value in record.items() if field != "body"}, "file": name}


def finish(archive: zipfile.ZipFile, entries: list[dict[str, Any]], made_at: str) -> None:
    index = {"format": FORMAT, "version": VERSION, "made_at": made_at, "posts": entries}
    archive.writestr(INDEX, json.dumps(index, ensure_ascii=False, indent=1))


def markdown(record: dict[str, Any]) -> str:
    # What JSON writes is YAML too, on one line whatever is in it, so that only the fence can be the fence.
    told = [f"{name}: {json.dumps(record[name])}\n" for name in _FRONT if record[name] not in (None, [])]
    return f"{_FENCE}{''.join(told)}{_FENCE}\n{record['body']}"


def read(body: bytes) -> list[Item]:
    """What a zip of ours holds. Raises `Unreadable`."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return list(_items(archive))
    # Encrypted, cut off, or packed in a way that is not known here.
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError, OSError):
        raise Unreadable("It is a zip that cannot be unpacked.") from None


def _items(archive: zipfile.ZipFile) -> Iterator[Item]:
    names = {one.filename: one for one in archive.infolist()}
    if len(names) > MAX_ITEMS + 1:
        held(len(names))
    if INDEX not in names:
        raise Unreadable(f"The zip holds no {INDEX}, so it is no export of this blog.")
    left = _Left()
    index = json_of(left.read(archive, names[INDEX]))
    if index.get("format") != FORMAT or index.get("version") != VERSION:
        raise Unreadable(f"Its {INDEX} is not of the format {FORMAT} {VERSION}.")
    posts = dicts(index.get("posts"))
    held(len(posts))
    for number, told in enumerate(posts, start=1):
        name = told.get("file")
        packed = names.get(name) if isinstance(name, str) else None
        text = _said(left.read(archive, packed).decode("utf-8", "replace")) if packed is not None else ""
        yield _item(number, {**told, "body": text})


class _Left:
    """How much may still be unpacked: what an archive says of its sizes is not believed."""

    def __init__(self) -> None:
        self.bytes = MAX_UNPACKED_BYTES

    def read(self, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
        with archive.open(part) as file:
            found = file.read(self.bytes + 1)
        self.bytes -= len(found)
        if self.bytes < 0:
            raise Unreadable(f"Unpacked it has more than {MAX_UNPACKED_BYTES:,} bytes.")
        return found


def _item(number: int, told: dict[str, Any]) -> Item:
    statuses: dict[object, Status] = {status.value: status for status in Status}
    named = told.get("status")
    status = statuses.get(named if isinstance(named, str) else None, Status.DRAFT)
    if status is Status.TRASHED:
        return skipped(number, told.get("title"), "It was in the trash.")
    shelf, tags = told.get("category"), told.get("tags")
    fields = {**told, "at": told.get("published_at" if status is Status.PUBLISHED else "publish_at")}
    fields["shelves"] = ((shelf, ""),) if isinstance(shelf, str) and shelf else ()
    return item_of(number, fields, status=status, tags=tags if isinstance(tags, list) else ())


def _said(text: str) -> str:
    """A file without its front matter."""
    if not text.startswith(_FENCE):
        return text
    _, found, rest = text[len(_FENCE) :].partition(f"\n{_FENCE}")
    return rest.removeprefix("\n") if found else text


def _instant(millis: int | None) -> str | None:
    if millis is None:
        return None
    return datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
