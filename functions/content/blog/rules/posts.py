"""A post, the states it goes through, and what may be in it."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from .problems import InvalidTransition, refused

MAX_TITLE, MAX_EXCERPT, MAX_TAGS, MAX_TAG = 200, 1_000, 20, 64
MAX_BODY_BYTES = 128 * 1024
# What lists read is kept within one read unit.
MAX_CARD_BYTES = 4_096
# An item of DynamoDB holds 400 KB; the event of a change may ride on one with a body.
MAX_BODY_ITEM_BYTES = 330_000
TRASH_DAYS = 30
REVISIONS_KEPT = 50
MAX_OFFSET = 5_000
REACTIONS = ("like", "dislike", "love", "laugh", "sad")
FAVOURITE = "like"
# They turn around how everything behind them is shown.
_OVERRIDES = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


class Status(StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    TRASHED = "trashed"


class CommentPolicy(StrEnum):
    OPEN = "open"
    FIRST_APPROVED = "first-approved"
    ALL_MODERATED = "all-moderated"
    MEMBERS = "members"
    CLOSED = "closed"


@dataclass(frozen=True)
class Post:
    """Times are milliseconds since 1970. `version` is what clients see; counters leave it alone."""

    id: str
    author_id: str
    title: str
    slug: str
    created_at: int
    updated_at: int
    status: Status = Status.DRAFT
    excerpt: str | None = None
    tags: tuple[str, ...] = ()
    category: str | None = None
    cover_media_id: str | None = None
    canonical_url: str | None = None
    comment_policy: CommentPolicy = CommentPolicy.OPEN
    published_at: int | None = None
    publish_at: int | None = None
    deleted_at: int | None = None
    was: Status | None = None
    rev: int = 1
    words: int = 0
    version: int = 1
    reactions: Mapping[str, int] = field(default_factory=dict)
    comments: int = 0
    shards: int = 0
    made_by: str | None = None

    @property
    def is_published(self) -> bool:
        return self.status is Status.PUBLISHED

    @property
    def due_at(self) -> int | None:
        """When time itself does something with the post."""
        if self.status is Status.SCHEDULED:
            return self.publish_at
        if self.status is Status.TRASHED and self.deleted_at is not None:
            return self.deleted_at + TRASH_DAYS * 86_400_000
        return None


@dataclass(frozen=True)
class Body:
    """What a post says: as it was written, and as it is shown."""

    source: str
    html: str
    headings: tuple[dict[str, Any], ...] = ()
    text: str = ""
    words: int = 0
    markup_version: int = 1
    # The revision that says this.
    rev: int = 1


@dataclass(frozen=True)
class Revision:
    number: int
    title: str
    source: str
    at: int
    by: str
    published: bool


def touched(post: Post, now: int) -> Post:
    """The post as changed now. Its time always moves on, for two changes may come within a millisecond."""
    return replace(post, updated_at=max(now, post.updated_at + 1))


def publish(post: Post, now: int, at: int | None = None) -> Post:
    """Published at once, or as if it had been at an earlier time. The first time stays, so that lists keep its place.

    Raises `InvalidTransition`, and `InvalidRequest` for a time to come.
    """
    _hold(post, "published", Status.DRAFT, Status.SCHEDULED)
    if at is not None and at > now:
        raise refused("/publish_at", "This is in the future: schedule the post instead.")
    first = post.published_at if at is None else at
    return replace(post, status=Status.PUBLISHED, published_at=now if first is None else first, publish_at=None)


def unpublish(post: Post) -> Post:
    _hold(post, "unpublished", Status.PUBLISHED)
    return replace(post, status=Status.DRAFT)


def schedule(post: Post, at: int | None, now: int) -> Post:
    """Raises `InvalidTransition`, and `InvalidRequest` without a time to come."""
    _hold(post, "scheduled", Status.DRAFT, Status.SCHEDULED)
    if at is None or at <= now:
        raise refused("/publish_at", "Say when, in the future.")
    return replace(post, status=Status.SCHEDULED, publish_at=at)


def trash(post: Post, now: int) -> Post:
    _hold(post, "deleted", Status.DRAFT, Status.SCHEDULED, Status.PUBLISHED)
    return replace(post, status=Status.TRASHED, was=post.status, deleted_at=now)


def restore(post: Post, now: int) -> Post:
    """As it was. What should have been published meanwhile is a draft: nobody has said that it still should."""
    _hold(post, "restored", Status.TRASHED)
    status = post.was or Status.DRAFT
    late = status is Status.SCHEDULED and (post.publish_at or 0) <= now
    back = replace(post, status=Status.DRAFT if late else status, was=None, deleted_at=None)
    return replace(back, publish_at=None) if late else back


def _hold(post: Post, becoming: str, *states: Status) -> None:
    if post.status not in states:
        raise InvalidTransition(f"It is {post.status.value}, and only a post that is not can be {becoming}.")


def tag_key(tag: str) -> str:
    """What makes two spellings the same tag."""
    return unicodedata.normalize("NFC", tag.casefold())


def distinct(tags: Iterable[str]) -> tuple[str, ...]:
    """In their order, each once; the first spelling counts."""
    found: dict[str, str] = {}
    for tag in tags:
        found.setdefault(tag_key(tag), tag)
    return tuple(found.values())


def plain_title(text: str) -> str:
    """A title or name on one line, without what turns the text after it around."""
    return " ".join(text.translate(_OVERRIDES).split())
