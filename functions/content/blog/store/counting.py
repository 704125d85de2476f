"""What is counted of a post by everybody who reads it: on its card, or in shards once it is hot."""

from collections.abc import Sequence
from dataclasses import replace

from pynamodb.expressions.operand import Path

from tessera.listing import any_shard, next_step, shard_keys
from tessera.problems import NotFound
from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, checking, updating

from ..rules.posts import REACTIONS, Post, Status
from .rows import META, CountRow, PostRow, post_pk

COMMENTS = "comments"


def counting(table: Table, post: Post, changes: dict[str, int]) -> list[Step]:
    """Steps that count, as long as the post is published. Raises `NotFound` otherwise."""
    adds = [Path(name).add(by) for name, by in changes.items() if by]
    pk, published = post_pk(post.id), Path("status") == Status.PUBLISHED.value
    gone = NotFound("There is no such post.")
    shard = any_shard(post.shards)
    if shard is None:
        return [updating(table, PostRow, pk, META, *adds, only_if=published, refused=gone, bump=False)]
    return [
        checking(table, PostRow, pk, META, only_if=published, refused=gone),
        updating(table, CountRow, pk, shard, *adds, upsert=True, bump=False),
    ]


def uncounting(table: Table, post: Post, name: str, by: int = 1) -> Step:
    """A step that takes something off, whatever has become of the post."""
    shard = any_shard(post.shards)
    change = Path(name).add(-by)
    if shard is None:
        return updating(table, PostRow, post_pk(post.id), META, change, refused=NotFound(), bump=False)
    return updating(table, CountRow, post_pk(post.id), shard, change, upsert=True, bump=False)


def spread(table: Table, post: Post, conflicts: int) -> None:
    """Give the post more shards when a call has met others too often. 1 write then, and nothing mostly."""
    shards = next_step(post.shards, conflicts)
    if shards is None:
        return
    fewer = Path("shards").does_not_exist() | (Path("shards") < shards)
    try:
        change = Path("shards").set(shards)
        table.update(PostRow, post_pk(post.id), META, change, only_if=fewer, bump=False)
    except ConditionFailed:
        return


def summed(table: Table, posts: Sequence[Post], *, consistent: bool = False) -> list[Post]:
    """The posts with all of their counts. Nothing is read where none of them is hot, else 1 request per 100 shards."""
    keys = [key for post in posts for key in shard_keys(post_pk(post.id), post.shards)]
    if not keys:
        return list(posts)
    totals: dict[str, dict[str, int]] = {}
    for row in table.get_many(CountRow, keys, consistent=consistent):
        counts = totals.setdefault(row.pk, dict.fromkeys((*REACTIONS, COMMENTS), 0))
        for name in counts:
            counts[name] += int(getattr(row, name))
    return [_added(post, totals.get(post_pk(post.id), {})) for post in posts]


def _added(post: Post, more: dict[str, int]) -> Post:
    reactions = {kind: max(0, count + more.get(kind, 0)) for kind, count in post.reactions.items()}
    return replace(post, reactions=reactions, comments=max(0, post.comments + more.get(COMMENTS, 0)))
