"""Bodies of posts, drafts, revisions and reactions."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from tessera import clock
from tessera.types import Cursor, In, Instant, Limit, Out, Params, Patch, Ulid, absent, text

from ..rules.authors import Author
from ..rules.posts import (
    MAX_BODY_BYTES,
    MAX_EXCERPT,
    MAX_TAG,
    MAX_TAGS,
    MAX_TITLE,
    CommentPolicy,
    Post,
    Revision,
    Status,
    plain_title,
)
from ..rules.slugs import MAX_SLUG, is_slug


def _title(value: str) -> str:
    title = plain_title(value)
    if not title:
        raise ValueError("it must not be blank")
    return title


def _slug(value: str) -> str:
    if not is_slug(value):
        raise ValueError("A slug has letters and digits of any script in lower case, parted by single dashes")
    return value


def _tag(value: str) -> str:
    if set("#/?\\,") & set(value) or value != value.strip() or not value.isprintable():
        raise ValueError("A tag holds none of # / ? \\ , and no blanks around it")
    return value


Title = Annotated[str, text(MAX_TITLE), AfterValidator(_title)]
Source = Annotated[str, text(MAX_BODY_BYTES, multiline=True, max_bytes=MAX_BODY_BYTES)]
Excerpt = Annotated[str, text(MAX_EXCERPT, multiline=True)]
GivenSlug = Annotated[str, text(MAX_SLUG), AfterValidator(_slug)]
AnyTag = Annotated[str, text(MAX_TAG), AfterValidator(_tag)]
Tags = Annotated[list[AnyTag], Field(max_length=MAX_TAGS)]
CategorySlug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", min_length=1, max_length=80)]
Link = Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>\"]+$", min_length=1, max_length=2_000)]
Text = Annotated[str, Field(max_length=200)]
Html = Annotated[str, Field(max_length=2_000_000)]
Kind = Literal["like", "dislike", "love", "laugh", "sad"]
Starting = Literal["draft", "published", "scheduled"]


class PostIn(In):
    """`publish_at` says when a scheduled post is published, or when one that is published already was."""

    title: Title
    body: Source
    excerpt: Excerpt | None = None
    slug: GivenSlug | None = None
    tags: Annotated[Tags, Field(default_factory=list)]
    category: CategorySlug | None = None
    cover_media_id: Ulid | None = None
    canonical_url: Link | None = None
    comment_policy: CommentPolicy = CommentPolicy.OPEN
    status: Starting = "draft"
    publish_at: Instant | None = None


class PostPatch(Patch):
    title: Title = absent()
    body: Source = absent()
    excerpt: Excerpt | None = absent()
    slug: GivenSlug = absent()
    tags: Tags = absent()
    category: CategorySlug | None = absent()
    cover_media_id: Ulid | None = absent()
    canonical_url: Link | None = absent()
    comment_policy: CommentPolicy = absent()
    publish_at: Instant = absent()

    def fields(self) -> dict[str, Any]:
        found = self.changes()
        if "tags" in found:
            found["tags"] = tuple(found["tags"])
        if "publish_at" in found:
            found["publish_at"] = millis(found["publish_at"])
        return found


class PublishIn(In):
    publish_at: Instant | None = None


class PostParams(Params):
    """One of the filters at a time."""

    author: Ulid | None = None
    tag: Annotated[str, Field(max_length=MAX_TAG)] | None = None
    category: CategorySlug | None = None
    limit: Limit = 20
    cursor: Cursor | None = None


class DraftParams(Params):
    """`trashed` shows what was deleted instead."""

    trashed: bool = False
    limit: Limit = 20
    cursor: Cursor | None = None


class PageParams(Params):
    limit: Limit = 20
    cursor: Cursor | None = None


class RevisionParams(Params):
    """`against` is another revision that this one is compared with."""

    against: Annotated[int, Field(ge=1, le=10**8)] | None = None


class ReactionsOut(Out):
    like: int
    dislike: int
    love: int
    laugh: int
    sad: int


class CardOut(Out):
    """A post in a list, without what it says."""

    id: Ulid
    title: Text
    slug: Text
    excerpt: Annotated[str, Field(max_length=MAX_EXCERPT)] | None
    author_id: Annotated[str, Field(max_length=64)]
    status: Status
    tags: Annotated[list[Annotated[str, Field(max_length=MAX_TAG)]], Field(max_length=MAX_TAGS)]
    category: Text | None
    cover_media_id: Text | None
    canonical_url: Annotated[str, Field(max_length=2_000)] | None
    comment_policy: CommentPolicy
    words: int
    comments: int
    reactions: ReactionsOut
    created_at: Instant
    updated_at: Instant
    published_at: Instant | None
    publish_at: Instant | None
    deleted_at: Instant | None
    version: int

    @classmethod
    def of(cls, post: Post) -> "CardOut":
        return cls(**card(post))


class AuthorOut(Out):
    id: Annotated[str, Field(max_length=64)]
    username: Annotated[str, Field(max_length=100)]
    name: Annotated[str, Field(max_length=200)] | None
    image: Annotated[str, Field(max_length=2_000)] | None

    @classmethod
    def of(cls, author: Author) -> "AuthorOut":
        return cls(id=author.id, username=author.username, name=author.name, image=author.image)


class HeadingOut(Out):
    level: int
    text: Annotated[str, Field(max_length=131_072)]
    id: Annotated[str, Field(max_length=131_072)]


class PostOut(CardOut):
    """A whole post. `comment_token` is for guests who comment, and good for a day."""

    body: Annotated[str, Field(max_length=MAX_BODY_BYTES)]
    html: Html
    headings: Annotated[list[HeadingOut], Field(max_length=10_000)]
    author: AuthorOut
    my_reaction: Kind | None
    comment_token: Annotated[str, Field(max_length=200)]


class RevisionOut(Out):
    number: int
    title: Text
    at: Instant
    by: Annotated[str, Field(max_length=64)]
    published: bool

    @classmethod
    def of(cls, revision: Revision) -> "RevisionOut":
        return cls(
            number=revision.number,
            title=revision.title,
            at=clock.from_millis(revision.at),
            by=revision.by,
            published=revision.published,
        )


class RevisionTextOut(RevisionOut):
    """What a post said; `diff` is in the unified form, against the revision that was asked for."""

    body: Annotated[str, Field(max_length=MAX_BODY_BYTES)]
    diff: Annotated[str, Field(max_length=1_000_000)] | None


class MovedOut(Out):
    moved_to: Annotated[str, Field(max_length=2_000)]


class PreviewIn(In):
    """How long the link is good."""

    seconds: Annotated[int, Field(ge=60, le=30 * 86_400)] = 86_400


class PreviewOut(Out):
    url: Annotated[str, Field(max_length=2_000)]
    expires_at: Instant


class PreviewParams(Params):
    token: Annotated[str, Field(min_length=1, max_length=300)]


class PictureParams(Params):
    """The `token` stands in the addresses of pictures of what is not published."""

    token: Annotated[str, Field(min_length=1, max_length=300)] | None = None


class ReactedOut(Out):
    """`changed` is false when it was so already."""

    my_reaction: Kind | None
    changed: bool


def card(post: Post) -> dict[str, Any]:
    return {
        "id": post.id,
        "title": post.title,
        "slug": post.slug,
        "excerpt": post.excerpt,
        "author_id": post.author_id,
        "status": post.status,
        "tags": list(post.tags),
        "category": post.category,
        "cover_media_id": post.cover_media_id,
        "canonical_url": post.canonical_url,
        "comment_policy": post.comment_policy,
        "words": post.words,
        "comments": max(0, post.comments),
        "reactions": ReactionsOut(**{kind: max(0, count) for kind, count in post.reactions.items()}),
        "created_at": clock.from_millis(post.created_at),
        "updated_at": clock.from_millis(post.updated_at),
        "published_at": _instant(post.published_at),
        "publish_at": _instant(post.publish_at),
        "deleted_at": _instant(post.deleted_at),
        "version": post.version,
    }


def millis(value: Any) -> int | None:
    return None if value is None else int((value - clock.EPOCH).total_seconds() * 1000)


def _instant(value: int | None) -> Any:
    return None if value is None else clock.from_millis(value)
