"""The blog's own format: a zip of one Markdown file for each post, with front matter, its comments, if it has any, as
JSON, and `blog.json` about all."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from .arriving import MAX_ITEMS, MAX_UNPACKED_BYTES, Item, Unreadable, dicts, held, item_of, json_of, skipped
from .comments import Comment, State
from .posts import Body, Post, Status
from .remarks import Remark, hold_remarks, remark_of, state_of

FORMAT, VERSION = "tessera-blog", 1
INDEX = "blog.json"
_FENCE = "---\n"
_NAME_LETTERS = 40
_FRONT = ("title", "slug", "status", "published_at", "publish_at", "updated_at", "excerpt", "tags", "category")


def record_of(post: Post, body: Body, comments: list[dict[str, Any]]) -> dict[str, Any]:
    """A post with its comments as it is kept between the steps of an export."""
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
        "comments": comments,
    }


def comment_of(comment: Comment, name: str | None, *, whole: bool) -> dict[str, Any]:
    """A comment as an export has it. Unless the `whole` may be seen, what is hidden is the place of a comment."""
    seen = whole or comment.state is not State.HIDDEN
    told: dict[str, Any] = {
        "id": comment.id,
        "parent_id": comment.parent_id,
        "reply_to": comment.reply_to,
        "status": (comment.state if seen else State.DELETED).value,
        "created_at": _instant(comment.created_at),
    }
    if not seen or comment.state is State.DELETED:
        return told
    told |= {"author": name or comment.guest, "author_id": comment.author_id, "body": comment.body}
    # Somebody without an account has an address that only moderators see.
    told |= {"email": comment.email} if whole and comment.email else {}
    return {**told, "edited_at": _instant(comment.edited_at), "pinned": comment.pinned}


def add(archive: zipfile.ZipFile, record: dict[str, Any]) -> dict[str, Any]:
    """Write a post into the archive; what the index says of it comes back."""
    name = f"posts/{record['id']}-{record['slug'][:_NAME_LETTERS]}.md"
    archive.writestr(name, markdown(record))
    entry = {field: value for field, value in record.items() if field not in ("body", "comments")}
    comments = record.get("comments")
    if comments:
        entry["comments"] = f"comments/{record['id']}.json"
        archive.writestr(entry["comments"], json.dumps({"comments": comments}, ensure_ascii=False, indent=1))
    return {**entry, "file": name}


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
    if len(names) > 2 * MAX_ITEMS + 1:
        held(len(names))
    if INDEX not in names:
        raise Unreadable(f"The zip holds no {INDEX}, so it is no export of this blog.")
    left = _Left()
    index = json_of(left.read(archive, names[INDEX]))
    if index.get("format") != FORMAT or index.get("version") != VERSION:
        raise Unreadable(f"Its {INDEX} is not of the format {FORMAT} {VERSION}.")
    posts = dicts(index.get("posts"))
    held(len(posts))
    remarks = 0
    for number, told in enumerate(posts, start=1):
        packed, more = (_part(names, told.get(name)) for name in ("file", "comments"))
        text = _said(left.read(archive, packed).decode("utf-8", "replace")) if packed is not None else ""
        comments = dicts(json_of(left.read(archive, more)).get("comments")) if more is not None else []
        remarks += len(comments)
        hold_remarks(remarks)
        yield _item(number, {**told, "body": text}, comments)


def _part(names: dict[str, zipfile.ZipInfo], name: object) -> zipfile.ZipInfo | None:
    return names.get(name) if isinstance(name, str) else None


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


def _item(number: int, told: dict[str, Any], comments: list[dict[str, Any]]) -> Item:
    statuses: dict[object, Status] = {status.value: status for status in Status}
    named = told.get("status")
    status = statuses.get(named if isinstance(named, str) else None, Status.DRAFT)
    if status is Status.TRASHED:
        return skipped(number, told.get("title"), "It was in the trash.")
    shelf, tags = told.get("category"), told.get("tags")
    fields = {**told, "at": told.get("published_at" if status is Status.PUBLISHED else "publish_at")}
    fields["shelves"] = ((shelf, ""),) if isinstance(shelf, str) and shelf else ()
    remarks = map(_remark, comments)
    return item_of(number, fields, status=status, tags=tags if isinstance(tags, list) else (), remarks=remarks)


def _remark(told: dict[str, Any]) -> Remark:
    fields = {**told, "name": told.get("author"), "at": told.get("created_at")}
    # What was answered deepest in a thread stands beside its answer, and may be gone.
    fields["answers"] = (told.get("reply_to"), told.get("parent_id"))
    return remark_of(fields, state_of(told.get("status")))


def _said(text: str) -> str:
    """A file without its front matter."""
    if not text.startswith(_FENCE):
        return text
    _, found, rest = text[len(_FENCE) :].partition(f"\n{_FENCE}")
    return rest.removeprefix("\n") if found else text


def _instant(millis: int | None) -> str | None:
    if millis is None:
        return None
    # Counted in whole milliseconds: a fraction would lose one now and then.
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
