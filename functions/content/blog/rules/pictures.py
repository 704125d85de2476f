"""Pictures in a post: files of its author, written as `media:<id>` and shown at an address of the post's own."""

import re
from collections.abc import Collection

from tessera.ids import is_ulid

from .posts import Post

MAX_PICTURES = 40
# What a browser shows without running anything.
TYPES = frozenset(f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp", "avif"))
_ID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"


def path_of(post_id: str, file_id: str) -> str:
    return f"/blog/posts/{post_id}/media/{file_id}"


class Resolver:
    """What `media:` addresses of one post's text become, and which there were.

    With `only`, none but these is shown; without it, all but those `without`. What cannot be an id is `odd`.
    """

    def __init__(
        self, base: str, post_id: str, *, only: Collection[str] | None = None, without: Collection[str] = ()
    ) -> None:
        self._base, self._post_id, self._only, self._without = base, post_id, only, without
        self.met: dict[str, None] = {}
        self.odd: list[str] = []

    def __call__(self, address: str) -> str | None:
        scheme, _, name = address.partition(":")
        if scheme.lower() != "media" or name in self._without:
            return None
        if not is_ulid(name):
            self.odd.append(name)
            return None
        if self._only is not None and name not in self._only:
            return None
        self.met[name] = None
        return self._base + path_of(self._post_id, name)


def shown_in(post_id: str, html: str) -> set[str]:
    """The pictures in what a post shows."""
    return set(re.findall(path_of(post_id, f"({_ID})"), html))


def pictures_of(post: Post, html: str) -> set[str]:
    """All pictures of a post, its cover among them."""
    return shown_in(post.id, html) | ({post.cover_media_id} if post.cover_media_id else set())


def opened(post_id: str, html: str, token: str) -> str:
    """The same with pictures that whoever holds this token may see: a browser shows nothing else with them."""
    return re.sub(f'({path_of(post_id, _ID)})"', rf'\g<1>?token={token}"', html)
