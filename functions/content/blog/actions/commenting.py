"""Comments are written, changed and taken away."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from tessera import clock, ids
from tessera.auth.principal import Principal
from tessera.markup import render
from tessera.problems import Busy, NotFound

from ..events import CommentCreated, CommentDeleted
from ..ports import Ports
from ..rules import spam
from ..rules.authors import Author
from ..rules.comments import Comment, State, is_editable, new_number, path_below
from ..rules.posts import Post
from ..rules.problems import EditWindowClosed, NotYourComment, ParentNotVisible
from ..spamcheck import Checked, Visitor
from ..store.comment_arrivals import NumberInUse
from ..store.comment_rows import WAITING
from ..store.comments import Changed
from ..store.visits import Visit
from .access import introduced, person
from .telling import url_of

TRIES = 6
R = TypeVar("R")


@dataclass(frozen=True)
class Said:
    """A comment as it was asked for. A guest has a name and an address instead of an account."""

    body: str
    parent_id: str | None = None
    guest: str | None = None
    email: str | None = None
    trapped: bool = False
    hurried: bool = False
    visitor: Visitor | None = None


def say(ports: Ports, post: Post, said: Said, *, user_id: str | None, moderates: bool = False) -> Comment:
    """The comment, which may have to wait. 3 reads and 1 request, and for an answer 2 reads more.

    Where a service is set up, it is asked about what nobody here takes for spam, and not about moderators.

    Raises `CommentsClosed`, `CommentingBanned`, `ParentNotVisible`, `NotFound`, `TooLong`, `TooComplex`.
    """
    now = clock.millis()
    parent = _parent(ports, post, said.parent_id) if said.parent_id is not None else None
    author = introduced(ports, user_id) if user_id is not None else None
    digest = spam.digest_of(said.body)
    signs = spam.Signs(
        body=said.body,
        is_guest=user_id is None,
        is_first=author is None or author.approved == 0,
        is_copy=spam.may_be_copy(said.body) and ports.comments.said_before(digest),
        trapped=said.trapped,
        hurried=said.hurried,
    )
    points, state = _judged(ports, post, signs, moderates=moderates)
    visit: Visit | None = None
    if state is not State.SPAM and not moderates and said.visitor is not None:
        verdict = ports.spam.verdict(_checked(ports, post, said, said.visitor, author))
        points, state = _judged(ports, post, replace(signs, suspected=verdict is True), moderates=moderates)
        if verdict is not None:
            visit = Visit(said.visitor.ip, said.visitor.agent, said.visitor.referrer, verdict)
    comment_id = ids.new()
    path, moved_up = path_below(parent.path if parent else "", comment_id)
    comment = Comment(
        id=comment_id,
        post_id=post.id,
        path=path,
        number=new_number(now),
        state=state,
        created_at=now,
        body=said.body,
        html=render(said.body, "comment").html,
        author_id=user_id,
        guest=said.guest,
        email=said.email,
        reply_to=parent.id if parent and moved_up else None,
        score=points,
        asked=visit is not None,
    )

    def add(numbered: Comment) -> Comment:
        heard = parent.author_id if parent else None
        fields = told(numbered, by=user_id or "guest")
        event = CommentCreated(**fields, post_author_id=post.author_id, parent_author_id=heard)
        ports.comments.add(post, numbered, event, digest=digest, visit=visit)
        return numbered

    return numbered(comment, add)


def _judged(ports: Ports, post: Post, signs: spam.Signs, *, moderates: bool) -> tuple[int, State]:
    points = spam.score(signs, ports.settings.banned_words.split())
    state = spam.judged(
        post.comment_policy, points, is_guest=signs.is_guest, is_first=signs.is_first, moderates=moderates
    )
    return points, state


def _checked(ports: Ports, post: Post, said: Said, visitor: Visitor, author: Author | None) -> Checked:
    return Checked(
        body=said.body,
        permalink=url_of(ports, post),
        visitor=visitor,
        author=said.guest or (author.username if author is not None else ""),
        # Of members no address goes out.
        email=said.email or "",
        is_answer=said.parent_id is not None,
    )


def numbered(comment: Comment, write: Callable[[Comment], R]) -> R:
    """Write a comment under a number that no other of its post has."""
    for _ in range(TRIES):
        try:
            return write(comment)
        except NumberInUse:
            comment = replace(comment, number=new_number(comment.created_at))
    raise Busy()


def change(ports: Ports, comment_id: str, body: str, *, by: Principal) -> Comment:
    """What somebody has written, within a quarter of an hour; moderators at any time. 2 reads and 1 request.

    Raises `NotFound`, `NotYourComment`, `EditWindowClosed`.
    """
    html = render(body, "comment").html

    def decide(comment: Comment) -> Comment:
        _hold_seen(comment, by)
        if not by.can("blog:moderate"):
            if comment.author_id != person(by):
                raise NotYourComment()
            if not is_editable(comment, clock.millis()):
                raise EditWindowClosed("It could be changed for 15 minutes.")
        return replace(comment, body=body, html=html, edited_at=clock.millis())

    return changed(ports, comment_id, decide)


def changed(ports: Ports, comment_id: str, decide: Callable[[Comment], Comment]) -> Comment:
    """Decide on the comment as it is, and again when somebody else was faster."""
    for _ in range(TRIES):
        comment = ports.comments.get(comment_id)
        try:
            return ports.comments.change(comment, decide(comment))
        except Changed:
            continue
    raise Busy()


def delete(ports: Ports, comment_id: str, *, user_id: str, moderates: bool) -> None:
    """3 or 4 reads and 1 request. Raises `NotFound`, `NotYourComment`."""
    for _ in range(TRIES):
        comment = ports.comments.get(comment_id)
        if comment.author_id != user_id and not moderates:
            if not comment.state.is_in_thread:
                raise NotFound("There is no such comment.")
            raise NotYourComment()
        post = ports.posts.get(comment.post_id)
        try:
            ports.comments.remove(post, comment, CommentDeleted(**told(comment, by=user_id)))
        except Changed:
            continue
        return
    raise Busy()


def _hold_seen(comment: Comment, by: Principal) -> None:
    """What waits is seen by its author and by moderators."""
    if comment.state.is_in_thread or by.can("blog:moderate") or comment.author_id == person(by):
        return
    raise NotFound("There is no such comment.")


def _parent(ports: Ports, post: Post, parent_id: str) -> Comment:
    where = ports.comments.where(parent_id)
    if where is None or where.post_id != post.id or where.place == WAITING:
        raise ParentNotVisible()
    parent = ports.comments.at(post.id, where.path)
    if parent is None or parent.state is not State.APPROVED:
        raise ParentNotVisible()
    return parent


def told(comment: Comment, *, by: str) -> dict[str, Any]:
    at: datetime = clock.now()
    return {
        "post_id": comment.post_id,
        "comment_id": comment.id,
        "author_id": comment.author_id,
        "status": comment.state.value,
        "actor": by,
        "occurred_at": at,
        "seq": comment.version,
    }
