"""What Ghost exports: one JSON of its tables (ghost.org/docs/migration/ghost)."""

from typing import Any

from .arriving import Item, Unreadable, dicts, held, item_of, skipped
from .posts import Status

_STATUSES = {"published": Status.PUBLISHED, "scheduled": Status.SCHEDULED}


def read(found: dict[str, Any]) -> list[Item]:
    """Raises `Unreadable`."""
    roots = dicts(found.get("db"))
    data = (roots[0] if roots else found).get("data")
    if not isinstance(data, dict) or not isinstance(data.get("posts"), list):
        raise Unreadable("It is JSON, and no export of Ghost.")
    posts = dicts(data["posts"])
    held(len(posts))
    tags = _tags(data)
    return [_item(number, told, tags.get(str(told.get("id")), [])) for number, told in enumerate(posts, start=1)]


def _tags(data: dict[str, Any]) -> dict[str, list[object]]:
    """The names of the tags of each post, in its order."""
    names = {str(tag.get("id")): tag.get("name") for tag in dicts(data.get("tags"))}
    found: dict[str, list[object]] = {}
    links = dicts(data.get("posts_tags"))
    for link in sorted(links, key=lambda one: one["sort_order"] if isinstance(one.get("sort_order"), int) else 0):
        name = names.get(str(link.get("tag_id")))
        # Ghost's own tags begin with a number sign and are shown to nobody.
        if isinstance(name, str) and not name.startswith("#"):
            found.setdefault(str(link.get("post_id")), []).append(name)
    return found


def _item(number: int, told: dict[str, Any], tags: list[object]) -> Item:
    if told.get("type", "post") != "post" or told.get("page") in (1, True):
        return skipped(number, told.get("title"), "It is a page, not a post.")
    named, notes = told.get("status"), []
    status = _STATUSES.get(named if isinstance(named, str) else "", Status.DRAFT)
    if status is not Status.DRAFT and told.get("visibility", "public") != "public":
        status = Status.DRAFT
        notes.append("It was for members alone, so it is a draft here.")
    body = told.get("html")
    if not body and told.get("plaintext"):
        body = told["plaintext"]
        notes.append("It comes as plain text: the file has no HTML of it.")
    fields = {**told, "body": body, "excerpt": told.get("custom_excerpt"), "at": told.get("published_at")}
    return item_of(number, fields, status=status, tags=tags, notes=notes)
