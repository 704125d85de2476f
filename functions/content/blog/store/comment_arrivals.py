"""Where comments are found and where they wait; and those that arrive from elsewhere, many at once."""

from collections.abc import Sequence

from pynamodb.expressions.operand import Path

from tessera.expressions import is_new
from tessera.listing import PointerRow, by_time, list_pk, pointer
from tessera.problems import NotFound
from tessera.tables import Table
from tessera.transact import Step, deleting, putting, transact, updating

from ..rules.comments import Comment, State
from .comment_rows import (
    CID,
    TREE,
    WAITING,
    CommentIdRow,
    NumberRow,
    comment_row,
    id_pk,
    mine,
    number_sk,
    queue_of,
    tree_pk,
)
from .counting import COMMENTS
from .rows import META, PostRow, post_pk

# A comment takes four items at most, and a transaction a hundred, of 4 MB in all.
ARRIVING_AT_ONCE = 20


class NumberInUse(Exception):
    """Another comment of the post has this number: draw another."""


def locating(table: Table, comment: Comment) -> Step:
    place = TREE if comment.state.is_in_thread else WAITING
    row = CommentIdRow(pk=id_pk(comment.id), sk=CID, post_id=comment.post_id, path=comment.path, place=place)
    return putting(table, row)


def queueing(table: Table, comment: Comment) -> Step:
    name = queue_of(comment.state.value)
    return putting(table, pointer(name, by_time(comment.created_at, comment.id), comment.id, comment.author_id))


def unqueueing(table: Table, comment: Comment) -> Step:
    sort = by_time(comment.created_at, comment.id)
    return deleting(table, PointerRow, list_pk(queue_of(comment.state.value)), sort)


def arrive(table: Table, post_id: str, comments: Sequence[Comment], *also: Step) -> None:
    """Put comments where they stood or waited elsewhere, with whatever else belongs to that. 1 request.

    They count in every state of the post. Nobody is told: nothing is said anew. Raises what `also` is refused with,
    `NotFound` once the post is gone, `NumberInUse`.
    """
    seen = sum(one.state is State.APPROVED for one in comments)
    change, gone = Path(COMMENTS).add(seen), NotFound("There is no such post.")
    counting = updating(table, PostRow, post_pk(post_id), META, change, refused=gone, bump=False)
    transact(*also, counting, *(step for one in comments for step in _arriving(table, one)))


def _arriving(table: Table, comment: Comment) -> list[Step]:
    steps = [putting(table, comment_row(comment)), locating(table, comment)]
    if comment.author_id is not None:
        steps.append(putting(table, mine(comment)))
    if not comment.state.is_in_thread:
        return [*steps, queueing(table, comment)]
    if comment.state is State.DELETED:
        return steps
    number = NumberRow(pk=tree_pk(comment.post_id), sk=number_sk(comment.number), id=comment.id, path=comment.path)
    return [*steps, putting(table, number, only_if=is_new(), refused=NumberInUse())]
