"""The items of comments, and how they become what `rules` knows."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from tessera.listing import PointerRow, by_time, pointer
from tessera.tables import Row

from ..rules.comments import Comment, State

CID, TREE, WAITING = "CID", "T", "Q"


class CommentRow(Row):
    id = UnicodeAttribute()
    post_id = UnicodeAttribute()
    n = NumberAttribute()
    state = UnicodeAttribute()
    created_at = NumberAttribute()
    body = UnicodeAttribute(null=True)
    html = UnicodeAttribute(null=True)
    author_id = UnicodeAttribute(null=True)
    guest = UnicodeAttribute(null=True)
    email = UnicodeAttribute(null=True)
    reply_to = UnicodeAttribute(null=True)
    edited_at = NumberAttribute(null=True)
    replies = NumberAttribute(default=0)
    pinned = NumberAttribute(default=0)
    reports = NumberAttribute(default=0)
    score = NumberAttribute(default=0)
    asked = NumberAttribute(null=True)


class CommentIdRow(Row):
    """Where a comment is: its post, its path, and whether it stands in the thread (`T`) or waits (`Q`)."""

    post_id = UnicodeAttribute()
    path = UnicodeAttribute()
    place = UnicodeAttribute()


class NumberRow(Row):
    id = UnicodeAttribute()
    path = UnicodeAttribute()


def tree_pk(post_id: str) -> str:
    return f"C#{post_id}"


def waiting_pk(post_id: str) -> str:
    return f"CQ#{post_id}"


def id_pk(comment_id: str) -> str:
    return f"CID#{comment_id}"


def path_sk(path: str) -> str:
    return f"T#{path}"


def number_sk(number: int) -> str:
    return f"N#{number:016d}"


def queue_of(state: str) -> str:
    return f"MOD#{state}"


def mine_of(user_id: str) -> str:
    return f"MINE#{user_id}"


def mine(comment: Comment) -> PointerRow:
    """Where a comment stands among those of its author."""
    sort = by_time(comment.created_at, comment.id)
    return pointer(mine_of(comment.author_id or ""), sort, comment.id, comment.author_id)


def comment_row(comment: Comment) -> CommentRow:
    pk = tree_pk(comment.post_id) if comment.state.is_in_thread else waiting_pk(comment.post_id)
    row = CommentRow(
        pk=pk,
        sk=path_sk(comment.path),
        id=comment.id,
        post_id=comment.post_id,
        n=comment.number,
        state=comment.state.value,
        created_at=comment.created_at,
        body=comment.body,
        html=comment.html,
        author_id=comment.author_id,
        guest=comment.guest,
        email=comment.email,
        reply_to=comment.reply_to,
        edited_at=comment.edited_at,
        replies=comment.replies,
        pinned=int(comment.pinned),
        reports=comment.reports,
        score=comment.score,
        asked=1 if comment.asked else None,
    )
    row.version = comment.version
    return row


def comment_of(row: CommentRow) -> Comment:
    return Comment(
        id=row.id,
        post_id=row.post_id,
        path=row.sk.partition("#")[2],
        number=int(row.n),
        state=State(row.state),
        created_at=int(row.created_at),
        body=row.body,
        html=row.html,
        author_id=row.author_id,
        guest=row.guest,
        email=row.email,
        reply_to=row.reply_to,
        edited_at=int(row.edited_at) if row.edited_at is not None else None,
        replies=int(row.replies),
        pinned=bool(row.pinned),
        reports=int(row.reports),
        score=int(row.score),
        asked=bool(row.asked),
        version=int(row.version),
    )
