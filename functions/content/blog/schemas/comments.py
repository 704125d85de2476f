"""Bodies of comments, moderation and bans."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from tessera import clock
from tessera.types import Cursor, In, Instant, Limit, Out, Params, Ulid, text

from ..rules.authors import Author
from ..rules.comments import MAX_BODY, Comment, State
from .posts import AuthorOut

CommentText = Annotated[str, text(MAX_BODY, multiline=True)]
GuestEmail = Annotated[str, StringConstraints(pattern=r"^[^\s@<>]{1,64}@[^\s@<>]{1,190}$", max_length=254)]


class CommentIn(In):
    """A guest says who they are, and shows the post's `comment_token`. `website` is left empty by people."""

    body: CommentText
    parent_id: Ulid | None = None
    name: Annotated[str, text(80)] | None = None
    email: GuestEmail | None = None
    token: Annotated[str, Field(max_length=200)] | None = None
    website: Annotated[str, Field(max_length=200)] | None = None


class CommentPatch(In):
    body: CommentText


class CommentParams(Params):
    sort: Literal["thread", "newest"] = "thread"
    limit: Limit = 50
    cursor: Cursor | None = None


class CommentOut(Out):
    """What was deleted or hidden has no body, and what was deleted no author."""

    id: Ulid
    post_id: Ulid
    parent_id: Ulid | None
    reply_to: Ulid | None
    depth: int
    reply_count: int
    status: State
    pinned: bool
    author: AuthorOut | None
    guest: Annotated[str, Field(max_length=80)] | None
    body: Annotated[str, Field(max_length=MAX_BODY)] | None
    html: Annotated[str, Field(max_length=200_000)] | None
    created_at: Instant
    edited_at: Instant | None
    version: int

    @classmethod
    def of(cls, comment: Comment, author: Author | None, *, whole: bool = False) -> "CommentOut":
        """`whole` also shows what is hidden: to who wrote it and to moderators."""
        return cls(**_shown(comment, author, whole=whole))


class QueuedOut(CommentOut):
    """A comment as moderators see it."""

    email: Annotated[str, Field(max_length=254)] | None
    score: int
    reports: int

    @classmethod
    def queued(cls, comment: Comment, author: Author | None) -> "QueuedOut":
        more: dict[str, Any] = {"email": comment.email, "score": comment.score, "reports": comment.reports}
        return cls(**_shown(comment, author, whole=True), **more)


class QueueParams(Params):
    status: Literal["pending", "spam", "reported"] = "pending"
    limit: Limit = 50
    cursor: Cursor | None = None


Verb = Literal["approve", "spam", "hide", "show", "delete"]


class BulkIn(In):
    action: Verb
    ids: Annotated[list[Ulid], Field(min_length=1, max_length=50)]


class BulkResultOut(Out):
    """`problem` is the slug of what stood in the way."""

    id: Ulid
    ok: bool
    problem: Annotated[str, Field(max_length=80)] | None = None


class BulkOut(Out):
    items: Annotated[list[BulkResultOut], Field(max_length=50)]


class PinIn(In):
    pinned: bool = True


class HideIn(In):
    hidden: bool = True


class BanIn(In):
    """Without `until` it is for good."""

    until: Instant | None = None
    reason: Annotated[str, text(500)] | None = None


class BanOut(Out):
    user_id: Ulid
    until: Instant | None
    reason: Annotated[str, Field(max_length=500)] | None


def _shown(comment: Comment, author: Author | None, *, whole: bool) -> dict[str, Any]:
    seen = whole or comment.state is not State.HIDDEN
    return {
        "id": comment.id,
        "post_id": comment.post_id,
        "parent_id": comment.parent_id,
        "reply_to": comment.reply_to,
        "depth": comment.depth,
        "reply_count": max(0, comment.replies),
        "status": comment.state,
        "pinned": comment.pinned,
        "author": AuthorOut.of(author) if author else None,
        "guest": comment.guest,
        "body": comment.body if seen else None,
        "html": comment.html if seen else None,
        "created_at": clock.from_millis(comment.created_at),
        "edited_at": clock.from_millis(comment.edited_at) if comment.edited_at else None,
        "version": comment.version,
    }
