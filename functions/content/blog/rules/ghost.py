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
    tags, writers = _named(data, "tags", "posts_tags", "tag_id"), _named(data, "users", "posts_authors", "author_id")
    return [
        _item(number, told, tags.get(str(told.get("id")), []), writers.get(str(told.get("id")), []))
        for number, told in enumerate(posts, start=1)
    ]


def _named(data: dict[str, Any], things: str, places: str, key: str) -> dict[str, list[str]]:
    """The names of the tags or the authors of each post, in its order."""
    names = {str(one.get("id")): one.get("name") for one in dicts(data.get(things))}
    found: dict[str, list[str]] = {}
    links = dicts(data.get(places))
    for link in sorted(links, key=lambda one: one["sort_order"] if isinstance(one.get("sort_order"), int) else 0):
        name = names.get(str(link.get(key)))
        # Ghost's own tags begin with a number sign and are shown to nobody.
        if isinstance(name, str) and not name.startswith("#"):
            found.setdefault(str(link.get("post_id")), []).append(name)
    return found


def _item(number: int, told: dict[str, Any], tags: list[str], writers: list[str]) -> Item:
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
    fields |= {"picture": told.get("feature_image"), "writer": ", ".join(writers)}
    return item_of(number, fields, status=status, tags=tags, notes=notes)
