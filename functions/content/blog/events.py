"""What `blog` tells the rest.

`blog.post.*` carries what `search` keeps of a post; `blog.comment.created` is told for comments that can be seen as
well as for those that wait. `blog.post.*` and `blog.comment.*` come back to the blog's own queue, which rebuilds feeds
and tells who listens live. Nobody takes `blog.reaction.changed` yet.
"""

from typing import Any, ClassVar

from tessera.bus import Event
from tessera.types import Instant, Model


class _OfPost(Model):
    """`seq` is the version of the post: whoever keeps something of it writes only what is newer."""

    post_id: str
    author_id: str
    slug: str
    tags: tuple[str, ...]
    # Tags that it had before and has no more.
    tags_left: tuple[str, ...] = ()
    seq: int
    actor: str
    occurred_at: Instant
    search_doc: dict[str, Any]


class PostPublished(_OfPost, Event):
    type: ClassVar[str] = "blog.post.published.v1"

    title: str


class PostUpdated(_OfPost, Event):
    type: ClassVar[str] = "blog.post.updated.v1"

    title: str


class PostUnpublished(_OfPost, Event):
    type: ClassVar[str] = "blog.post.unpublished.v1"


class PostDeleted(_OfPost, Event):
    type: ClassVar[str] = "blog.post.deleted.v1"


class _OfComment(Model):
    post_id: str
    comment_id: str
    author_id: str | None
    status: str
    actor: str
    occurred_at: Instant
    seq: int


class CommentCreated(_OfComment, Event):
    """`post_author_id` and `parent_author_id` are who may want to know."""

    type: ClassVar[str] = "blog.comment.created.v1"

    post_author_id: str
    parent_author_id: str | None = None


class CommentApproved(_OfComment, Event):
    type: ClassVar[str] = "blog.comment.approved.v1"


class CommentDeleted(_OfComment, Event):
    type: ClassVar[str] = "blog.comment.deleted.v1"


class ReactionChanged(Event):
    """`kind` is empty when a reaction was taken back."""

    type: ClassVar[str] = "blog.reaction.changed.v1"

    post_id: str
    user_id: str
    kind: str
    actor: str
    occurred_at: Instant
    seq: int


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
