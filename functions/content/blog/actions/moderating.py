"""What moderators decide about comments, and what readers tell them."""

from collections.abc import Callable
from dataclasses import replace

from tessera.auth.principal import Principal
from tessera.listing import read
from tessera.problems import Busy, NotFound, Problem
from tessera.transact import AlreadySeen

from ..events import CommentApproved
from ..ports import Ports
from ..rules.comments import Comment, State
from ..rules.problems import AlreadySo
from ..store.comment_rows import queue_of
from ..store.comments import Changed
from . import commenting
from .access import person
from .commenting import changed, numbered, told
from .teaching import disagree

TRIES = 6


def approve(ports: Ports, comment_id: str, *, by: Principal) -> Comment:
    """Let a comment be seen, or dismiss what was reported about one that is. Raises `AlreadySo`."""
    comment = ports.comments.get(comment_id)
    if comment.state.is_in_thread:
        return _dismiss(ports, comment_id)
    post = ports.posts.get(comment.post_id)

    def write(one: Comment) -> Comment:
        fields = told(replace(one, state=State.APPROVED, version=one.version + 1), by=person(by))
        return ports.comments.approve(post, one, CommentApproved(**fields))

    approved = numbered(comment, write)
    disagree(ports, comment, is_spam=False)
    return approved


def _dismiss(ports: Ports, comment_id: str) -> Comment:
    def decide(comment: Comment) -> Comment:
        if not comment.reports:
            raise AlreadySo("It can be seen already.")
        return replace(comment, reports=0)

    return changed(ports, comment_id, decide)


def spam(ports: Ports, comment_id: str, *, by: Principal) -> Comment:
    """Put what waits among spam, and hide what is seen. Raises `AlreadySo`."""
    comment = ports.comments.get(comment_id)
    if comment.state is State.SPAM:
        raise AlreadySo("It is among spam already.")
    seen = comment.state.is_in_thread
    judged = hide(ports, comment_id, hidden=True) if seen else ports.comments.judge(comment, State.SPAM)
    disagree(ports, comment, is_spam=True)
    return judged


def hide(ports: Ports, comment_id: str, *, hidden: bool) -> Comment:
    """What it says is not shown, and the answers below it are. Raises `AlreadySo`."""
    for _ in range(TRIES):
        comment = ports.comments.get(comment_id)
        wanted = State.HIDDEN if hidden else State.APPROVED
        if not comment.state.is_in_thread:
            raise AlreadySo("It waits, and nobody sees it.")
        if comment.state is wanted:
            raise AlreadySo("It is so already.")
        post = ports.posts.get(comment.post_id)
        try:
            return ports.comments.show(post, comment, replace(comment, state=wanted))
        except Changed:
            continue
    raise Busy()


def pin(ports: Ports, comment_id: str, *, pinned: bool) -> Comment:
    """Raises `AlreadySo`, also for a comment that nobody sees."""

    def decide(comment: Comment) -> Comment:
        if comment.state is not State.APPROVED or comment.pinned is pinned:
            raise AlreadySo()
        return replace(comment, pinned=pinned)

    return changed(ports, comment_id, decide)


def report(ports: Ports, comment_id: str, *, by: Principal) -> None:
    """Bring a comment before the moderators; once for each who does. Raises `AlreadySo`, `NotFound`."""
    user_id = person(by)
    for _ in range(TRIES):
        comment = ports.comments.get(comment_id)
        if comment.state is not State.APPROVED:
            raise NotFound("There is no such comment.")
        try:
            ports.comments.report(comment, user_id)
        except Changed:
            continue
        except AlreadySeen:
            raise AlreadySo("You have reported it.") from None
        return
    raise Busy()


def queue(ports: Ports, status: str, limit: int, after: str | None) -> tuple[list[Comment], str | None]:
    """What waits for a decision, the newest first. 1 query and 2 requests."""
    pointers = read(ports.comments.table, queue_of(status), limit=limit + 1, after=after)
    found = ports.comments.many([one.id for one in pointers[:limit]])
    rest = pointers[limit - 1].sk if len(pointers) > limit else None
    return [found[one.id] for one in pointers[:limit] if one.id in found], rest


def each(ports: Ports, action: str, comment_ids: list[str], *, by: Principal) -> list[tuple[str, str | None]]:
    """The same for up to 50 comments; for each the slug of what stood in the way, or None."""
    verbs: dict[str, Callable[[str], object]] = {
        "approve": lambda one: approve(ports, one, by=by),
        "spam": lambda one: spam(ports, one, by=by),
        "hide": lambda one: hide(ports, one, hidden=True),
        "show": lambda one: hide(ports, one, hidden=False),
        "delete": lambda one: commenting.delete(ports, one, user_id=person(by), moderates=True),
    }
    results: list[tuple[str, str | None]] = []
    for comment_id in comment_ids:
        try:
            verbs[action](comment_id)
        except Problem as problem:
            results.append((comment_id, problem.slug))
        else:
            results.append((comment_id, None))
    return results
