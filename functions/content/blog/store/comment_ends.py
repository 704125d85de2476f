"""Comments come to their end: with their post, or with the account of who wrote them."""

from contextlib import suppress

from pynamodb.expressions.operand import Path

from tessera.listing import PointerRow, by_time, list_pk
from tessera.tables import ConditionFailed, Table

from ..rules.comments import Comment
from .comment_rows import (
    CID,
    TREE,
    CommentIdRow,
    CommentRow,
    comment_of,
    id_pk,
    mine,
    path_sk,
    queue_of,
    tree_pk,
    waiting_pk,
)
from .visits import MAIN, VisitRow, visit_pk


def anonymise(table: Table, user_id: str, pointer: PointerRow) -> None:
    """What somebody wrote stays, and nobody knows that it was theirs. 1 read and 5 writes."""
    where = table.get(CommentIdRow, id_pk(pointer.id), CID)
    if where is not None:
        pk = tree_pk(where.post_id) if where.place == TREE else waiting_pk(where.post_id)
        own = Path("author_id") == user_id
        with suppress(ConditionFailed):
            row = table.update(CommentRow, pk, path_sk(where.path), Path("author_id").remove(), only_if=own)
            _unname(table, comment_of(row))
        table.delete(VisitRow, visit_pk(pointer.id), MAIN)
    table.delete(PointerRow, pointer.pk, pointer.sk)


def _unname(table: Table, comment: Comment) -> None:
    """Those who look at what waits or was reported see it without its author too."""
    for name in ("reported", comment.state.value):
        sort = by_time(comment.created_at, comment.id)
        with suppress(ConditionFailed):
            table.update(PointerRow, list_pk(queue_of(name)), sort, Path("a").remove(), bump=False)


def purge(table: Table, post_id: str, most: int) -> bool:
    """Delete some of the comments of a post that is no more; True when none is left. 1 write for each item."""
    for pk in (tree_pk(post_id), waiting_pk(post_id)):
        rows = table.query(CommentRow, pk, limit=most, consistent=True).rows
        for row in rows:
            _purge(table, row)
        if rows:
            return False
    return True


def _purge(table: Table, row: CommentRow) -> None:
    if row.sk.startswith("T#"):
        comment = comment_of(row)
        if comment.asked:
            table.delete(VisitRow, visit_pk(row.id), MAIN)
        table.delete(CommentIdRow, id_pk(row.id), CID)
        for name in ("reported", comment.state.value):
            table.delete(PointerRow, list_pk(queue_of(name)), by_time(comment.created_at, comment.id))
        if comment.author_id is not None:
            table.delete(PointerRow, mine(comment).pk, mine(comment).sk)
    table.delete(CommentRow, row.pk, row.sk)
