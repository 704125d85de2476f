"""What `search` is told of a post, and where it can be read."""

from typing import Any
from urllib.parse import quote

from tessera import clock

from ..ports import Ports
from ..rules.posts import Body, Post

MAX_TEXT_BYTES = 48 * 1024


def url_of(ports: Ports, post: Post) -> str:
    """The page of a post, as an absolute address."""
    return f"{ports.settings.base}/blog/by-slug/{quote(post.slug, safe='')}"


def search_doc(ports: Ports, post: Post, body: Body) -> dict[str, Any]:
    return {
        "id": post.id,
        "type": "post",
        "seq": post.version,
        "title": post.title,
        "headings": [str(one["text"]) for one in body.headings],
        "tags": list(post.tags),
        "body": body.text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore"),
        "url": url_of(ports, post),
        "author": post.author_id,
        "acl": "public",
        "updated_at": clock.rfc3339(clock.from_millis(post.updated_at)),
    }


def gone_doc(post: Post) -> dict[str, Any]:
    return {"id": post.id, "seq": post.version, "deleted": True}
