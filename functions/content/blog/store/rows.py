"""The items of the table, and how they become what `rules` knows. Times are milliseconds since 1970."""

import json
import zlib
from typing import Any

from pynamodb.attributes import BinaryAttribute, ListAttribute, NumberAttribute, UnicodeAttribute

from tessera import clock
from tessera.due import DueRow
from tessera.listing import ShardRow
from tessera.tables import Row, item_of

from ..rules.posts import (
    MAX_BODY_ITEM_BYTES,
    MAX_CARD_BYTES,
    REACTIONS,
    Body,
    CommentPolicy,
    Post,
    Revision,
    Status,
)
from ..rules.problems import refused

META, BODY, SLUG = "META", "BODY", "SLUG"


class CountRow(Row):
    """What is counted of a post: on its card, and in its shards."""

    like = NumberAttribute(default=0)
    dislike = NumberAttribute(default=0)
    love = NumberAttribute(default=0)
    laugh = NumberAttribute(default=0)
    sad = NumberAttribute(default=0)
    comments = NumberAttribute(default=0)


class PostRow(DueRow, CountRow):
    """The card of a post: everything that lists show."""

    id = UnicodeAttribute()
    author_id = UnicodeAttribute()
    title = UnicodeAttribute()
    slug = UnicodeAttribute()
    status = UnicodeAttribute()
    excerpt = UnicodeAttribute(null=True)
    tags = ListAttribute(of=UnicodeAttribute, null=True)
    category = UnicodeAttribute(null=True)
    cover_media_id = UnicodeAttribute(null=True)
    canonical_url = UnicodeAttribute(null=True)
    comment_policy = UnicodeAttribute()
    created_at = NumberAttribute()
    updated_at = NumberAttribute()
    published_at = NumberAttribute(null=True)
    publish_at = NumberAttribute(null=True)
    deleted_at = NumberAttribute(null=True)
    was = UnicodeAttribute(null=True)
    rev = NumberAttribute(default=1)
    words = NumberAttribute(default=0)
    shards = NumberAttribute(default=0)


class BodyRow(Row):
    source = BinaryAttribute(legacy_encoding=False)
    html = BinaryAttribute(legacy_encoding=False)
    headings = UnicodeAttribute(default="[]")
    words = NumberAttribute(default=0)
    markup_version = NumberAttribute(default=1)


class RevisionRow(Row):
    number = NumberAttribute()
    title = UnicodeAttribute()
    source = BinaryAttribute(legacy_encoding=False)
    at = NumberAttribute()
    by = UnicodeAttribute()
    published = NumberAttribute(default=0)


class SlugRow(Row):
    """Which post a slug leads to. An old one still does; the post says what it is called now."""

    post_id = UnicodeAttribute()
    author_id = UnicodeAttribute()


class ReactionRow(Row):
    """`kind` is empty when it was taken back; `listed` while the post stands among its user's favourites."""

    user_id = UnicodeAttribute()
    kind = UnicodeAttribute()
    at = NumberAttribute()
    listed = NumberAttribute(default=0)


class AuthorRow(Row):
    """Somebody as the blog knows them. `ep` is the lowest epoch of a token of the facade that is still good, but for
    the one of the session `kept_sid`."""

    user_id = UnicodeAttribute(null=True)
    username = UnicodeAttribute(null=True)
    name = UnicodeAttribute(null=True)
    email = UnicodeAttribute(null=True)
    bio = UnicodeAttribute(null=True)
    image = UnicodeAttribute(null=True)
    realm = UnicodeAttribute(null=True)
    ep = NumberAttribute(default=0)
    kept_sid = UnicodeAttribute(null=True)
    told_at = UnicodeAttribute(null=True)
    post_count = NumberAttribute(default=0)
    fav_count = NumberAttribute(default=0)
    follows = NumberAttribute(default=0)
    approved = NumberAttribute(default=0)
    last_published_at = NumberAttribute(default=0)


class AnyRow(AuthorRow, ReactionRow, SlugRow, BodyRow, PostRow, ShardRow):
    """Any of the things that one request reads together; its keys tell which it is."""


def post_pk(post_id: str) -> str:
    return f"P#{post_id}"


def slug_pk(slug: str) -> str:
    return f"SLUG#{slug}"


def author_pk(user_id: str) -> str:
    return f"AU#{user_id}"


def reaction_sk(user_id: str) -> str:
    return f"R#{user_id}"


def revision_sk(number: int) -> str:
    return f"REV#{number:08d}"


def packed(text: str) -> bytes:
    return zlib.compress(text.encode(), 6)


def unpacked(data: bytes) -> str:
    return zlib.decompress(data).decode()


def kept_of(post: Post) -> dict[str, Any]:
    """What stands on the card, but for what only counts."""
    return {
        "title": post.title,
        "slug": post.slug,
        "status": post.status.value,
        "excerpt": post.excerpt,
        "tags": list(post.tags) or None,
        "category": post.category,
        "cover_media_id": post.cover_media_id,
        "canonical_url": post.canonical_url,
        "comment_policy": post.comment_policy.value,
        "updated_at": post.updated_at,
        "published_at": post.published_at,
        "publish_at": post.publish_at,
        "deleted_at": post.deleted_at,
        "was": post.was.value if post.was else None,
        "rev": post.rev,
        "words": post.words,
    }


def row_of(post: Post) -> PostRow:
    """The whole card. Raises `InvalidRequest` when it is larger than a list may read."""
    row = PostRow(
        pk=post_pk(post.id), sk=META, id=post.id, author_id=post.author_id, created_at=post.created_at, **kept_of(post)
    )
    row.version = post.version
    row.wait_until(clock.from_millis(post.due_at) if post.due_at is not None else None, post.id)
    if _size(row) > MAX_CARD_BYTES:
        raise refused("/tags", f"Title, excerpt and tags together hold at most {MAX_CARD_BYTES} bytes.")
    return row


def post_of(row: PostRow | AnyRow) -> Post:
    counts = {kind: int(getattr(row, kind) or 0) for kind in REACTIONS}
    return Post(
        id=row.id,
        author_id=row.author_id,
        title=row.title,
        slug=row.slug,
        created_at=int(row.created_at),
        updated_at=int(row.updated_at),
        status=Status(row.status),
        excerpt=row.excerpt,
        tags=tuple(str(tag) for tag in row.tags or ()),
        category=row.category,
        cover_media_id=row.cover_media_id,
        canonical_url=row.canonical_url,
        comment_policy=CommentPolicy(row.comment_policy),
        published_at=_number(row.published_at),
        publish_at=_number(row.publish_at),
        deleted_at=_number(row.deleted_at),
        was=Status(row.was) if row.was else None,
        rev=int(row.rev),
        words=int(row.words),
        version=int(row.version),
        reactions=counts,
        comments=int(row.comments or 0),
        shards=int(row.shards or 0),
        made_by=row.made_by,
    )


def body_row(post_id: str, body: Body) -> BodyRow:
    """Raises `InvalidRequest` when no item would hold it."""
    row = BodyRow(
        pk=post_pk(post_id),
        sk=BODY,
        source=packed(body.source),
        html=packed(body.html),
        headings=json.dumps(body.headings, ensure_ascii=False),
        words=body.words,
        markup_version=body.markup_version,
    )
    row.version = body.rev
    if _size(row) > MAX_BODY_ITEM_BYTES:
        raise refused("/body", "This is too long to be kept as it is shown.")
    return row


def body_of(row: BodyRow | AnyRow) -> Body:
    return Body(
        source=unpacked(row.source),
        html=unpacked(row.html),
        headings=tuple(json.loads(row.headings or "[]")),
        words=int(row.words or 0),
        markup_version=int(row.markup_version or 0),
        rev=int(row.version),
    )


def revision_row(post: Post, source: str, by: str) -> RevisionRow:
    return RevisionRow(
        pk=post_pk(post.id),
        sk=revision_sk(post.rev),
        number=post.rev,
        title=post.title,
        source=packed(source),
        at=post.updated_at,
        by=by,
        published=int(post.is_published),
    )


def revision_of(row: RevisionRow) -> Revision:
    return Revision(int(row.number), row.title, unpacked(row.source), int(row.at), row.by, bool(row.published))


def _size(row: Row) -> int:
    return sum(len(name) + _length(value) for name, value in item_of(row, None).items())


def _length(value: dict[str, Any]) -> int:
    (kind, held), *_ = value.items()
    if kind == "L":
        return 3 + sum(1 + _length(one) for one in held)
    return len(held.encode()) if isinstance(held, str) else len(held) if isinstance(held, bytes) else 1


def _number(value: object) -> int | None:
    return None if value is None else int(value)  # type: ignore[call-overload]
