"""Where a post stands in lists and what it counts for: both follow from the post, so none is forgotten by a write."""

from collections import Counter

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.listing import PointerRow, ShardRow, by_time, pointer, shard_of
from tessera.tables import Row, Table
from tessera.transact import Step, deleting, putting, updating

from ..rules.posts import Post, Status, tag_key
from ..rules.problems import refused
from .rows import META, AuthorRow, author_pk

TOTAL_SHARDS, TAG_SHARDS, MONTH_SHARDS = 8, 4, 4
TOTAL_PK, MONTHS_PK, TAGS_LIST = "CNT", "MONTHS", "TAGS"
ALL = "ALL"


class TagRow(Row):
    """A tag in its first spelling. `into` is the tag it was merged into."""

    name = UnicodeAttribute()
    created_at = NumberAttribute()
    into = UnicodeAttribute(null=True)


class CategoryRow(Row):
    slug = UnicodeAttribute()
    name = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    parent = UnicodeAttribute(null=True)
    order = NumberAttribute(default=0)
    post_count = NumberAttribute(default=0)


def tag_pk(key: str) -> str:
    return f"TAG#{key}"


def category_pk(slug: str) -> str:
    return f"CAT#{slug}"


def of_author(user_id: str) -> str:
    return f"A#{user_id}"


def of_tag(key: str) -> str:
    return f"T#{key}"


def of_category(slug: str) -> str:
    return f"C#{slug}"


def drafts_of(user_id: str) -> str:
    return f"D#{user_id}"


def trash_of(user_id: str) -> str:
    return f"X#{user_id}"


def favourites_of(user_id: str) -> str:
    return f"FAV#{user_id}"


def felt_of(user_id: str) -> str:
    """Posts that somebody has a reaction to and that do not stand among their favourites: for taking it back."""
    return f"FELT#{user_id}"


def place_of(post: Post) -> str:
    """Where it stands among others, the same in every list of what is published."""
    return by_time(post.created_at if post.published_at is None else post.published_at, post.id)


def pointers(post: Post | None) -> dict[tuple[str, str], PointerRow]:
    if post is None:
        return {}
    if post.status is Status.TRASHED:
        rows = [pointer(trash_of(post.author_id), by_time(post.deleted_at or 0, post.id), post.id, post.author_id)]
    elif not post.is_published:
        rows = [pointer(drafts_of(post.author_id), by_time(post.created_at, post.id), post.id, post.author_id)]
    else:
        names = [ALL, of_author(post.author_id), *(of_tag(tag_key(tag)) for tag in post.tags)]
        names += [of_category(post.category)] if post.category else []
        rows = [pointer(name, place_of(post), post.id, post.author_id) for name in names]
    return {(row.pk, row.sk): row for row in rows}


def counted(post: Post | None) -> Counter[tuple[str, str]]:
    """The counters that a post is one of."""
    if post is None or not post.is_published:
        return Counter()
    month = f"{clock.from_millis(post.published_at or 0):%Y-%m}"
    keys = [
        (author_pk(post.author_id), META),
        (TOTAL_PK, f"N#{shard_of(post.id, TOTAL_SHARDS)}"),
        (MONTHS_PK, f"{month}#{shard_of(post.id, MONTH_SHARDS)}"),
        *((tag_pk(tag_key(tag)), f"N#{shard_of(post.id, TAG_SHARDS)}") for tag in post.tags),
    ]
    keys += [(category_pk(post.category), META)] if post.category else []
    return Counter(keys)


def moving(table: Table, before: Post | None, after: Post | None) -> list[Step]:
    """Steps that take a post from the places it had to those it has."""
    old, new = pointers(before), pointers(after)
    steps = [putting(table, row) for key, row in new.items() if key not in old]
    steps += [deleting(table, PointerRow, *key) for key in old if key not in new]
    change = counted(after)
    change.subtract(counted(before))
    steps += [_counting(table, key, by, after) for key, by in change.items() if by]
    return steps


def _counting(table: Table, key: tuple[str, str], by: int, post: Post | None) -> Step:
    pk, sk = key
    if pk.startswith("AU#"):
        changes: list[Change] = [Path("post_count").add(by)]
        # A time that is too late costs a query now and then, and one that is too early would hide a post.
        if by > 0 and post is not None:
            changes.append(Path("last_published_at").set(max(clock.millis(), post.published_at or 0)))
        return updating(table, AuthorRow, pk, sk, *changes, upsert=True, bump=False)
    if pk.startswith("CAT#"):
        gone = refused("/category", "There is no such category.")
        change = Path("post_count").add(by)
        # Its last posts leave a category before it is deleted, so it is there while any of them moves out.
        return updating(table, CategoryRow, pk, sk, change, refused=gone, bump=False)
    return updating(table, ShardRow, pk, sk, Path("count").add(by), upsert=True, bump=False)
